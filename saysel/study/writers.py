"""The replies of a run's models with their rationales, as the `faithfulness` stage stored them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from saysel.errors import SayselWarning, UsageError
from saysel.faithfulness.alternatives import (
    answers_by_first_word,
    has_answer,
    nameable,
    named_alternatives,
)
from saysel.faithfulness.mentions import Tokens
from saysel.mirror import is_run, working_copy
from saysel.plan.cell_choice import chosen_cell
from saysel.plan.plan import plan
from saysel.plan.stage import Cell
from saysel.recipes.recipe import load
from saysel.records import Grade, Question, Reflection
from saysel.stages.evaluation import evaluation_questions
from saysel.stages.faithfulness import FaithfulnessStage
from saysel.stages.grade import GradeStage
from saysel.storage import read_records


@dataclass(frozen=True)
class Writer:
    """A model that explains its answers.

    Attributes:
        name: distinct within a study; raters never see it.
        questions: all questions of its evaluation, by id.
        replies: those with an answer and a rationale.
        confidences: the stated confidence of each reply by question; `None` if unreadable.
        grades: a language model's grades by question, where there are any.
        candidates: see `saysel.faithfulness.measures.measure`.
    """

    name: str
    questions: Mapping[str, Question]
    replies: Sequence[Reflection]
    confidences: Mapping[str, float | None]
    grades: Mapping[str, float | None]
    candidates: Literal["split", "question"]

    def measures(self, reply: Reflection) -> dict[str, float | None]:
        """The automatic measures of one rationale, `None` where not defined.

        Recall and precision are those of this rationale alone.
        """
        question = self.questions[reply.question_id]
        found = named_alternatives(reply, question, nameable(reply, self._pool))
        return {
            "mention_recall": _ratio(found.named_mass, found.competing_mass),
            "mention_precision": _ratio(found.named_competing, found.named),
            "named_alternatives": float(found.named),
            "rationale_ablation": _distance(reply.kept, reply.dropped),
            "rationale_swap": _distance(reply.kept, reply.swapped),
        }

    @cached_property
    def _pool(self) -> dict[str, set[Tokens]]:
        """The answers to other questions that a rationale could name."""
        known = self.questions.values() if self.candidates == "split" else ()
        return answers_by_first_word(known)


def writers(runs: Sequence[str], cell: str | None = None) -> list[Writer]:
    """The writers that arguments of the form `RUN` or `RUN:MODEL` name.

    Args:
        runs: run directories; without a model, all models whose rationales were measured. Those
            that wrote none are left out, with a warning.
        cell: the cell of matrix runs, or a part of its label; `None`: all cells.

    Raises:
        UsageError: there is no such run, model or cell, its rationales have not been sampled
            again, none of them wrote any, or the same writer is named twice.
        DamagedFile: what the run stored has changed.
    """
    found = [writer for argument in runs for writer in _of_argument(argument, cell, len(runs) > 1)]
    if not found:
        raise UsageError(f"{', '.join(runs)}: no model wrote a rationale that could be rated")
    names = [writer.name for writer in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"{twice}: named twice: give each run and model once, with distinct names")
    return found


def _of_argument(argument: str, cell: str | None, several: bool) -> Iterator[Writer]:
    run, model = argument, ""
    if not is_run(run) and ":" in argument:
        run, _, model = argument.rpartition(":")
    if not is_run(run):
        raise UsageError(f"{argument}: not a run directory, it has no recipe.yaml")
    directory = working_copy(run)
    steps = plan(load(directory / "recipe.yaml"))
    cells = steps.cells if cell is None else (chosen_cell(directory, steps, cell),)
    for one in cells:
        prefix = [directory.resolve().name] * several + [one.label] * bool(one.label)
        for step in _measured(run, directory, one, model):
            writer = _writer(directory, one, step, " · ".join([*prefix, step.model]))
            if writer.replies:
                yield writer
            else:
                warnings.warn(
                    f"{writer.name} wrote no rationale that could be rated, and is left out",
                    SayselWarning,
                    stacklevel=3,
                )


def _measured(run: str, directory: Path, cell: Cell, model: str) -> list[FaithfulnessStage]:
    """The finished steps that sampled a model's answers again.

    Args:
        run: what the user calls the run directory.
    """
    steps = cell.of(FaithfulnessStage)
    again = f"saysel run {directory / 'recipe.yaml'} --out {run}"
    if not steps:
        raise UsageError(
            f"{run}: its rationales have not been compared with fresh samples, which raters "
            f"need to see: {again} --set 'evaluate.faithfulness={{}}'"
        )
    chosen = [step for step in steps if model in ("", step.model)]
    if not chosen:
        names = ", ".join(step.model for step in steps)
        raise UsageError(
            f"{run}: no rationales of a model '{model}' were measured; there are {names}"
        )
    for step in chosen:
        if not step.is_done(directory):
            raise UsageError(f"{run}: {step.name} is not done: {again}")
    return chosen


def _writer(directory: Path, cell: Cell, step: FaithfulnessStage, name: str) -> Writer:
    reflections = read_records(step.directory_in(directory), Reflection)
    replies = [one for one in reflections if one.rationale and has_answer(one)]
    grades = {
        grade.question_id: grade.grade
        for grader in cell.of(GradeStage)
        if grader.model == step.model and grader.is_done(directory)
        for grade in read_records(grader.directory_in(directory), Grade)
    }
    parse = step.format.parse
    options = cell.recipe.evaluate.faithfulness
    assert options is not None  # the cell has the step
    return Writer(
        name,
        {question.id: question for question in evaluation_questions(directory, cell.recipe)},
        replies,
        {reply.question_id: parse(reply.response).confidence for reply in replies},
        grades,
        options.candidates,
    )


def _ratio(above: float, below: float) -> float | None:
    return above / below if below else None


def _distance(kept: float | None, changed: float | None) -> float | None:
    return None if kept is None or changed is None else abs(kept - changed)
