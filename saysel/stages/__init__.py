"""The stages: each reads records, calls components, writes records.

Every stage is one module with one function, `run(work)`, which returns what the manifest should
count. A stage that was killed is run again on the same directory and goes on from what is there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

from saysel.interfaces import EstimationContext, Sampler
from saysel.leaks.check import leak_report
from saysel.plan.plan import Plan, Step
from saysel.recipes.questions import questions
from saysel.recipes.recipe import Recipe
from saysel.records import ModelRef, Prediction, Question
from saysel.runs.progress import StageProgress
from saysel.storage import Shards, intact_record, read_record, verify, write_record

Item = TypeVar("Item")

MODEL = "model.json"


@dataclass(frozen=True)
class StageContext:
    """What a stage gets.

    Attributes:
        run: the run's directory.
        step: what to do.
        progress: where to tell how far it is.
        log: records a figure of training as an event.
        smoke: whether this is a `--smoke` run.
    """

    run: Path
    step: Step
    progress: StageProgress
    log: Callable[..., None]
    smoke: bool = False

    @property
    def recipe(self) -> Recipe:
        """The recipe of the first cell that needs the step."""
        return self.step.recipe

    @property
    def directory(self) -> Path:
        """The step's own directory."""
        return stage_directory(self.run, self.step)

    def input(self, role: str) -> Path:
        """The directory of a step that this one builds on."""
        return stage_directory(self.run, self.step.inputs[role])

    def records(self, role: str, record: type[Any]) -> Iterator[Any]:
        """The records of a step that this one builds on."""
        return stored(self.input(role), record)

    def questions(self, split: str) -> list[Question]:
        """The questions of a split.

        Raises:
            DataError: there are none, or two share an id.
        """
        return questions(self.recipe, split)


def judged_on(run: Path, recipe: Recipe) -> list[Question]:
    """The questions that a recipe evaluates on: those of its split that don't leak, if it says so.

    Raises:
        DataError: see `questions`.
    """
    found = questions(recipe, recipe.evaluate.split)
    if recipe.leaks != "drop":
        return found
    leaked = leak_report(run, recipe).ids
    return [question for question in found if question.id not in leaked]


def context_of(recipe: Recipe, stage: str, part: int | str) -> EstimationContext:
    """What an estimator may use for one part of a stage's work."""
    sampler = recipe.evaluate.sampler or recipe.sample
    return EstimationContext(
        sampler,
        recipe.format,
        recipe.cluster,
        recipe.judge,
        recipe.evaluate.temperature,
        shard_seed(sampler, stage, recipe.seed, part),
        partial(questions, recipe),
    )


def judged(
    recipe: Recipe, asked: Sequence[Question], predictions: Sequence[Prediction]
) -> list[Prediction]:
    """The predictions with their correctness; one without a readable answer is wrong."""
    pairs = list(zip(asked, predictions, strict=True))
    verdicts = iter(recipe.judge.judge([(q, p.answer) for q, p in pairs if p.answer is not None]))
    return [replace(p, correct=0.0 if p.answer is None else next(verdicts)) for p in predictions]


def by_question(
    asked: Iterable[Question], records: Iterable[Any]
) -> Iterator[tuple[Question, list[Any]]]:
    """Each question that has records, with its records, in the records' order.

    One question at a time: the records of all of them need not fit into memory.
    """
    named = {question.id: question for question in asked}
    for name, members in groupby(records, key=attrgetter("question_id")):
        yield named[name], list(members)


def stage_directory(run: Path, step: Step) -> Path:
    """Where a step's records lie."""
    return run / "stages" / step.directory


def stored(directory: Path, record: type[Any]) -> Iterator[Any]:
    """The records of a finished step.

    Raises:
        DamagedFile: they are not what was written.
    """
    verify(directory)
    return iter(Shards(directory, record))


def how_to_go_on(run: Path, todo: Plan, step: Step) -> str:
    """What to do about a step of a run directory that is not there."""
    noted = (intact_record(run / "manifest.json") or {"stages": {}})["stages"]
    # Cells of a matrix have steps of the same name, which are noted by their directories.
    once = re.compile(rf"{re.escape(step.name)}(-[0-9a-f]{{12}})?")
    done = {record["fingerprint"] for key, record in noted.items() if once.fullmatch(key)}
    if done and not done & {other.fingerprint for other in todo.steps}:
        return (
            "its questions, its model or a component have changed since it ran: put them back, or "
            "run the recipe again"
        )
    return "run the recipe first"


def write_model(run: Path, directory: Path, ref: ModelRef) -> None:
    """Note where a step's model lies; paths inside the run are kept relative to it."""
    written = dict(vars(ref))
    for key in ("path", "adapter"):
        place = written[key]
        if place is not None and Path(place).resolve().is_relative_to(run.resolve()):
            written[key] = {"inside": str(Path(place).resolve().relative_to(run.resolve()))}
    write_record(directory / MODEL, written)


def read_model(run: Path, directory: Path) -> ModelRef:
    """The model that a finished step made.

    Raises:
        DamagedFile: its files, or those of the base that it is an adapter of, are not what was
            written.
    """
    verify(directory)
    written = read_record(directory / MODEL)
    for key in ("path", "adapter"):
        if isinstance(written[key], dict):
            inside = Path(written[key]["inside"])
            verify(run.joinpath(*inside.parts[:2]))  # stages/STEP
            written[key] = str(run / inside)
    return ModelRef(**written)


def chunks(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Consecutive pieces of at most `size` items."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Consecutive pieces of at most `size` items, one at a time in memory."""
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch


def shard_seed(sampler: Sampler, stage: str, seed: int, part: int | str) -> int:
    """The seed of one part of a stage's samples.

    What a server said is kept by prompt and seed. There the part does not count: other questions
    beside a prompt, or more samples of each, cut other parts and must not ask for it again.
    """
    return seed_of(stage, seed) if sampler.remote else seed_of(stage, seed, part)


def seed_of(*parts: object) -> int:
    """A seed that hangs on all parts, the same on every machine."""
    from hashlib import blake2b

    text = "/".join(map(str, parts))
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big")
