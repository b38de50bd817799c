"""The questions of a recipe's source, read once per process and validated."""

from __future__ import annotations

from saysel.errors import DataError
from saysel.interfaces import Source
from saysel.recipes.digests import digest
from saysel.recipes.recipe import Recipe
from saysel.records import Question

#: Questions by source class, its options, the digest of its data, and split.
_CACHE: dict[tuple[type[Source], str, str, str], list[Question]] = {}


def questions(recipe: Recipe, split: str) -> list[Question]:
    """The questions of a recipe's split.

    They are read once for all stages, and again when the source's options or data change.

    Raises:
        DataError: there are none, two share an id, or one has no answer.
    """
    source = recipe.source
    key = (type(source), source.model_dump_json(), digest(source), split)
    if key not in _CACHE:
        _CACHE[key] = _validated(source, split)
    return list(_CACHE[key])


def _validated(source: Source, split: str) -> list[Question]:
    questions = list(source.questions(split))
    if not questions:
        raise DataError(f"source: the split '{split}' has no questions")
    ids: set[str] = set()
    for question in questions:
        if question.id in ids:
            raise DataError(f"source: two questions of '{split}' have the id '{question.id}'")
        if not question.answers:
            raise DataError(
                f"source: question '{question.id}' of '{split}' has no accepted answer to judge by"
            )
        ids.add(question.id)
    return questions
