"""Held-out questions that are also among those to train or choose settings on.

Before anything is trained or judged, the questions to be judged on are compared with those of
every other split, see `saysel.leaks.overlap` for how. What is found is kept in the run directory,
one file per source, so that the comparison is made once:

    leaks/FINGERPRINT.json      what was compared with what, and every leak that was found

What happens then is the recipe's word: `leaks: stop`, `drop` (they are left out of evaluation) or
`allow`. Where a source guarantees that no two splits tell the same question in other words
(`Source.disjoint`), as one made from templates can, only the same words are looked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from saysel.errors import DataError, NoSplit
from saysel.leaks.overlap import How, overlaps
from saysel.plan.plan import Plan, identity
from saysel.recipes.recipe import Recipe
from saysel.storage import intact_record, write_record

#: Raise it when the same questions give other leaks.
VERSION = 1
#: What questions are learned from, or settings chosen on.
SPLITS = ("pretrain", "train", "rl", "dev")
#: How many are shown on the console, and on the page.
TOLD, SHOWN = 3, 20


@dataclass(frozen=True)
class Leak:
    """A held-out question that another split has too.

    Attributes:
        question, prompt: the held-out question's id and text.
        split, other, other_prompt: where it is as well, and how it reads there.
        how, similarity: see `saysel.leaks.overlap.Overlap`.
    """

    question: str
    prompt: str
    split: str
    other: str
    other_prompt: str
    how: How
    similarity: float


@dataclass(frozen=True)
class Verdict:
    """What comparing the splits of a source came to.

    Attributes:
        file: where it is written.
        split: the split whose questions are judged on.
        questions: how many it has.
        compared: how many questions each other split has.
        near: whether other words for the same were looked for.
        leaks: for each held-out question, the closest question of each split it is in.
    """

    file: Path
    split: str
    questions: int
    compared: dict[str, int]
    near: bool
    leaks: tuple[Leak, ...]

    @property
    def ids(self) -> frozenset[str]:
        """The held-out questions that leak."""
        return frozenset(leak.question for leak in self.leaks)


def verdict(run: Path, recipe: Recipe) -> Verdict:
    """The verdict on a recipe's source: read where it is known, found and written where not."""
    file = _file(run, recipe)
    content = intact_record(file)
    if content is None:
        content = _find(recipe)
        write_record(file, content)
    leaks = tuple(Leak(**leak) for leak in content.pop("leaks"))
    return Verdict(file, **content, leaks=leaks)


def check(run: Path, plan: Plan) -> None:
    """Compare the splits of every cell's source.

    Raises:
        DataError: a held-out question leaks, and the recipe doesn't say what to do about it; or
            all of them would be dropped.
    """
    for recipe in _sources(plan):
        found = verdict(run, recipe)
        if found.ids and recipe.leaks == "stop":
            raise DataError(
                f"{recipe.name}: {describe(found)}: mend the source, or say in the recipe "
                "'leaks: drop' to leave them out of the evaluation, or 'leaks: allow'\n"
                + "\n".join(examples(found))
            )
        if recipe.leaks == "drop" and len(found.ids) == found.questions:
            raise DataError(
                f"{recipe.name}: every question of the split '{found.split}' is in another split "
                f"too (list: {found.file}): nothing is left to judge on"
            )


def notes(run: Path, plan: Plan) -> list[str]:
    """What the console says about leaks that did not stop the run."""
    lines = []
    for recipe in _sources(plan):
        found = verdict(run, recipe)
        if found.ids:
            done = "dropped" if recipe.leaks == "drop" else "allowed"
            lines += [f"leaks {done}: {describe(found)}", *examples(found)]
    return lines


def summaries(run: Path, plan: Plan) -> list[dict[str, Any]]:
    """What the manifest records, and the report shows, of every source that was compared."""
    made = []
    for recipe in _sources(plan):
        if _file(run, recipe).is_file():
            found = verdict(run, recipe)
            made.append(
                {
                    "leaks": recipe.leaks,
                    "split": found.split,
                    "questions": found.questions,
                    "compared": found.compared,
                    "near": found.near,
                    "found": len(found.ids),
                    "list": found.file.relative_to(run).as_posix(),
                    "first": [asdict(leak) for leak in found.leaks[:SHOWN]],
                }
            )
    return made


def describe(found: Verdict) -> str:
    """How many leak, and where the list is."""
    count = len(found.ids)
    return (
        f"{count:,} of {found.questions:,} questions of the split '{found.split}' "
        f"{'is' if count == 1 else 'are'} also in other splits (list: {found.file})"
    )


def examples(found: Verdict) -> list[str]:
    """The first leaks, one line each."""
    return [
        f"  {leak.prompt!r} ({leak.how} in {leak.split}: {leak.other_prompt!r})"
        for leak in found.leaks[:TOLD]
    ]


def _sources(plan: Plan) -> Iterable[Recipe]:
    """One recipe for each different source and split among the cells."""
    recipes = [cell.recipe for cell in plan.cells]
    return {(_fingerprint(recipe), recipe.leaks): recipe for recipe in recipes}.values()


def _file(run: Path, recipe: Recipe) -> Path:
    return run / "leaks" / f"{_fingerprint(recipe)}.json"


def _fingerprint(recipe: Recipe) -> str:
    source = recipe.source
    parts = [VERSION, identity(source), source.disjoint, recipe.evaluate.split]
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _find(recipe: Recipe) -> dict[str, Any]:
    source, split = recipe.source, recipe.evaluate.split
    held = list(source.questions(split))
    near = not source.disjoint
    compared: dict[str, int] = {}
    leaks: dict[tuple[int, str], Leak] = {}
    for name in SPLITS:
        others = []
        if name != split:
            # A source need not have every split; who reads one that is not there says so.
            with suppress(NoSplit):
                others = list(source.questions(name))
        if not others:
            continue
        compared[name] = len(others)
        prompts = [question.prompt for question in others]
        for found in overlaps([question.prompt for question in held], prompts, near):
            one, other = held[found.one], others[found.other]
            leak = Leak(
                one.id, one.prompt, name, other.id, other.prompt, found.how, found.similarity
            )
            first = leaks.setdefault((found.one, name), leak)
            if _closeness(leak) > _closeness(first):
                leaks[found.one, name] = leak
    return {
        "split": split,
        "questions": len(held),
        "compared": compared,
        "near": near,
        "leaks": [asdict(leaks[place]) for place in sorted(leaks)],
    }


def _closeness(leak: Leak) -> tuple[float, bool]:
    return (leak.similarity, leak.how == "exact")
