"""Evaluation questions that also occur among those used for training or for choosing settings.

Before anything is trained or judged, the questions of the evaluation split are compared with those
of every other split; `saysel.leaks.overlap` says how. The result is stored in the run directory, in
one file per source, so that the comparison is made once:

    leaks/FINGERPRINT.json      what was compared with what, and every leak that was found

The recipe decides what happens then: `leaks: stop`, `drop` (they are left out of the evaluation) or
`allow`. If a source guarantees that no question is reworded in another split (`Source.disjoint`),
as one made from templates can, only identical wording is searched for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from saysel.errors import DataError, NoSplit
from saysel.leaks.overlap import How, overlaps
from saysel.plan.fingerprint import identity
from saysel.plan.stage import Plan
from saysel.recipes.recipe import Recipe
from saysel.records import Question
from saysel.storage import intact_record, write_record

#: Raise it when the same questions give other leaks.
VERSION = 2
#: The splits whose questions are learned from, or used to choose settings; others only if an
#: estimator is fitted on them.
SPLITS = ("pretrain", "train", "rl", "dev")
#: Number of leaks shown on the console, and on the page.
CONSOLE_EXAMPLES, PAGE_EXAMPLES = 3, 20


@dataclass(frozen=True)
class Leak:
    """An evaluation question that also occurs in another split.

    Attributes:
        question, prompt: the evaluation question's id and text.
        split, other, other_prompt: the other split, and the id and text of the question there.
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
class LeakReport:
    """The result of comparing the splits of a source.

    Attributes:
        file: where it is stored.
        split: the evaluation split.
        questions: its number of questions.
        compared: the number of questions of each other split.
        near: whether reworded questions were searched for.
        leaks: for each evaluation question, the closest question of each split it occurs in.
    """

    file: Path
    split: str
    questions: int
    compared: dict[str, int]
    near: bool
    leaks: tuple[Leak, ...]

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the evaluation questions that leak."""
        return frozenset(leak.question for leak in self.leaks)


def leak_report(run: Path, recipe: Recipe) -> LeakReport:
    """The leaks of a recipe's source: read if they are stored, else found and stored."""
    file = _file(run, recipe)
    content = intact_record(file)
    if content is None:
        content = _find(recipe)
        write_record(file, content)
    leaks = tuple(Leak(**leak) for leak in content.pop("leaks"))
    return LeakReport(file, **content, leaks=leaks)


def check(run: Path, plan: Plan) -> None:
    """Compare the splits of every cell's source.

    Raises:
        DataError: an evaluation question leaks, and the recipe does not say what to do about it; or
            all of them would be dropped.
    """
    for recipe in _sources(plan):
        report = leak_report(run, recipe)
        if report.ids and recipe.leaks == "stop":
            raise DataError(
                f"{recipe.name}: {describe(report)}: remove them from one of the splits, or set "
                "'leaks: drop' in the recipe to leave them out of the evaluation, or "
                "'leaks: allow'\n" + "\n".join(examples(report))
            )
        if recipe.leaks == "drop" and len(report.ids) == report.questions:
            raise DataError(
                f"{recipe.name}: every question of the split '{report.split}' also occurs in "
                f"another split (list: {report.file}): nothing is left to evaluate on"
            )


def notes(run: Path, plan: Plan) -> list[str]:
    """Lines for the console about leaks that did not stop the run."""
    lines = []
    for recipe in _sources(plan):
        report = leak_report(run, recipe)
        if report.ids:
            action = "dropped" if recipe.leaks == "drop" else "allowed"
            lines += [f"leaks {action}: {describe(report)}", *examples(report)]
    return lines


def summaries(run: Path, plan: Plan) -> list[dict[str, Any]]:
    """What the manifest records, and the page shows, for every source that was compared."""
    return [
        _summary(leak_report(run, recipe), recipe, run)
        for recipe in _sources(plan)
        if _file(run, recipe).is_file()
    ]


def _summary(report: LeakReport, recipe: Recipe, run: Path) -> dict[str, Any]:
    return {
        "leaks": recipe.leaks,
        "split": report.split,
        "questions": report.questions,
        "compared": report.compared,
        "near": report.near,
        "found": len(report.ids),
        "list": report.file.relative_to(run).as_posix(),
        "first": [asdict(leak) for leak in report.leaks[:PAGE_EXAMPLES]],
    }


def describe(report: LeakReport) -> str:
    """How many questions leak, and where the list is."""
    count = len(report.ids)
    return (
        f"{count:,} of {report.questions:,} questions of the split '{report.split}' also "
        f"occur{'s' * (count == 1)} in other splits (list: {report.file})"
    )


def examples(report: LeakReport) -> list[str]:
    """The first leaks, one line each."""
    return [
        f"  {leak.prompt!r} ({leak.how} in {leak.split}: {leak.other_prompt!r})"
        for leak in report.leaks[:CONSOLE_EXAMPLES]
    ]


def _sources(plan: Plan) -> Iterable[Recipe]:
    """One recipe for each different source, split and treatment of leaks among the cells."""
    recipes = [cell.recipe for cell in plan.cells]
    return {(_fingerprint(recipe), recipe.leaks): recipe for recipe in recipes}.values()


def _file(run: Path, recipe: Recipe) -> Path:
    return run / "leaks" / f"{_fingerprint(recipe)}.json"


def _fingerprint(recipe: Recipe) -> str:
    source = recipe.source
    parts = [VERSION, identity(source), source.disjoint, recipe.evaluate.split, _compared(recipe)]
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _compared(recipe: Recipe) -> list[str]:
    """The splits that must not have a question of the evaluation split."""
    fitted = [split for estimator in recipe.evaluate.estimators for split in estimator.splits()]
    return list(dict.fromkeys((*SPLITS, *fitted)))


def _find(recipe: Recipe) -> dict[str, Any]:
    """The content of a `LeakReport`, except for its file."""
    source, split = recipe.source, recipe.evaluate.split
    evaluated = list(source.questions(split))
    near = not source.disjoint
    compared: dict[str, int] = {}
    leaks: dict[tuple[int, str], Leak] = {}
    for name in _compared(recipe):
        others: list[Question] = []
        if name != split:
            # A source need not have every split; a stage that needs a missing one reports it.
            with suppress(NoSplit):
                others = list(source.questions(name))
        if others:
            compared[name] = len(others)
            closest = _closest(evaluated, others, name, near)
            leaks |= {(index, name): leak for index, leak in closest.items()}
    return {
        "split": split,
        "questions": len(evaluated),
        "compared": compared,
        "near": near,
        "leaks": [asdict(leaks[key]) for key in sorted(leaks)],
    }


def _closest(
    evaluated: Sequence[Question], others: Sequence[Question], split: str, near: bool
) -> dict[int, Leak]:
    """The closest question of another split for each evaluation question, by its index."""
    leaks: dict[int, Leak] = {}
    prompts = [question.prompt for question in evaluated]
    for overlap in overlaps(prompts, [question.prompt for question in others], near):
        question, other = evaluated[overlap.one], others[overlap.other]
        leak = Leak(
            question=question.id,
            prompt=question.prompt,
            split=split,
            other=other.id,
            other_prompt=other.prompt,
            how=overlap.how,
            similarity=overlap.similarity,
        )
        best = leaks.setdefault(overlap.one, leak)
        if _closeness(leak) > _closeness(best):
            leaks[overlap.one] = leak
    return leaks


def _closeness(leak: Leak) -> tuple[float, bool]:
    return (leak.similarity, leak.how == "exact")
