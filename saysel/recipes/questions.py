"""The questions of a recipe's source, read once per process and validated."""

from __future__ import annotations

from saysel.errors import DataError, NoSplit
from saysel.interfaces import Source
from saysel.recipes.digests import digest
from saysel.recipes.recipe import Recipe
from saysel.records import Question
from saysel.seeds import generator

#: Questions by source class, its options, the digest of its data, and split.
_CACHE: dict[tuple[type[Source], str, str, str], list[Question]] = {}


def questions(recipe: Recipe, split: str) -> list[Question]:
    """The questions of a recipe's split, without the worked examples of `elicit`.

    They are read once for all stages, and again when the source's options or data change.

    Raises:
        DataError: there are none, two share an id, one has no answer, or `train` has no more
            questions than there are worked examples.
    """
    found = _read(recipe.source, split)
    if split != "train" or not shots(recipe):
        return found
    examples = {question.id for question in worked_examples(recipe)}
    return [question for question in found if question.id not in examples]


def worked_examples(recipe: Recipe) -> list[Question]:
    """The train questions, chosen by the recipe's seed, that the prompts of `elicit` show.

    Raises:
        DataError: `train` cannot be read, or has no more questions than that.
    """
    if not shots(recipe):
        return []
    try:
        found = _read(recipe.source, "train")
    except NoSplit as error:
        raise NoSplit(
            f"elicit.shots: worked examples are taken from the split 'train': {error}; set "
            "elicit.shots to 0"
        ) from None
    if problem := shots_problem(recipe, len(found)):
        raise DataError(problem)
    return generator("elicit", recipe.seed).sample(found, shots(recipe))


def shots(recipe: Recipe) -> int:
    """The number of worked examples in the prompts of the base model."""
    return recipe.elicit.shots if recipe.elicit else 0


def shots_problem(recipe: Recipe, train: int) -> str | None:
    """Why a split `train` with so many questions is too small for the worked examples."""
    if train > shots(recipe):
        return None
    return (
        f"elicit.shots: {shots(recipe)} worked examples need more than {shots(recipe)} questions "
        f"in the split 'train', which has {train}: use fewer, or add questions"
    )


def _read(source: Source, split: str) -> list[Question]:
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
