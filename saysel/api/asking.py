"""Asks a trained model questions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from html import escape
from os import PathLike
from pathlib import Path
from typing import overload

from saysel.api.abstaining import AnswerOrAbstain
from saysel.api.run_directory import Run
from saysel.display.numbers import percent
from saysel.errors import UsageError
from saysel.interfaces import EstimationContext, Format
from saysel.plan.cell_choice import chosen_cell
from saysel.plan.stage import BASE
from saysel.recipes.elicited import asking_format
from saysel.recipes.extends import packaged
from saysel.recipes.questions import questions
from saysel.recipes.recipe import Recipe
from saysel.records import ModelRef, Prediction, Question


@dataclass(frozen=True, repr=False)
class Answer:
    """What a model replied to a question.

    Attributes:
        answer: `None` if no answer could be parsed, or none is given.
        rationale: why the model is sure or unsure; `None` if it states none.
        confidence: from 0 to 1; `None` if it states none.
        response: the whole reply.
        declined: whether the model declines to answer, in a format that has the option `decline`.
        withheld: why the answer is not given, see `risk` of `ask`; `None` otherwise.
    """

    answer: str | None
    rationale: str | None
    confidence: float | None
    response: str
    declined: bool = False
    withheld: str | None = None

    def lines(self) -> list[tuple[str, str]]:
        """The parts of the reply, each with its name."""
        stated = "not stated" if self.confidence is None else percent(self.confidence)
        if self.declined:
            return _present(("answer", "declined"), ("rationale", self.rationale))
        answer = self.answer if self.withheld is None else f"withheld: {self.withheld}"
        return _present(("answer", answer), ("rationale", self.rationale), ("confidence", stated))

    @property
    def unreadable(self) -> bool:
        """Whether the reply should have an answer and none could be parsed."""
        return self.answer is None and not self.declined and self.withheld is None

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        if self.unreadable:
            return f"no answer could be read from the reply: {self.response}"
        return "\n".join(f"{f'{name}:':12}{text}" for name, text in self.lines())

    def _repr_html_(self) -> str:
        if self.unreadable:
            return f"<p>{escape(str(self))}</p>"
        rows = "".join(
            f'<tr><th style="text-align: left">{name}</th>'
            f'<td style="text-align: left">{escape(text)}</td></tr>'
            for name, text in self.lines()
        )
        return f"<table><tbody>{rows}</tbody></table>"


def _present(*parts: tuple[str, str | None]) -> list[tuple[str, str]]:
    """The parts that a reply has."""
    return [(name, text) for name, text in parts if text is not None]


@overload
def ask(
    target: Run | ModelRef | str | PathLike[str],
    question: str,
    *,
    cell: str | None = None,
    risk: float | AnswerOrAbstain | None = None,
) -> Answer: ...


@overload
def ask(
    target: Run | ModelRef | str | PathLike[str],
    question: list[str] | tuple[str, ...],
    *,
    cell: str | None = None,
    risk: float | AnswerOrAbstain | None = None,
) -> list[Answer]: ...


def ask(
    target: Run | ModelRef | str | PathLike[str],
    question: str | list[str] | tuple[str, ...],
    *,
    cell: str | None = None,
    risk: float | AnswerOrAbstain | None = None,
) -> Answer | list[Answer]:
    """Ask a trained model a question, or several together.

        saysel.ask("runs/quickstart", "Nora says … Where is the lantern?")
        saysel.ask("runs/quickstart", ["Nora says … ?", "Omar says … ?"])

    The model of a run is the last one that the run has finished, asked like in the evaluation of
    the recipe, and so is a model or adapter that was exported. Any other is asked in the `sayself`
    format.

    Args:
        target: a run, the path of a run directory or of a model, or a hub id; the path of a GGUF
            file ends in its name.
        question: a text, or several, which the model answers in batches.
        cell: the cell of a matrix run, or a part of its label that no other cell has.
        risk: withhold answers whose confidence is too low to keep the share of wrong ones among
            the others at this number, such as 0.1; or the rule itself. It needs a run.

    Returns:
        The answer, or one for each of several questions, in order.

    Raises:
        MissingExtra: the model cannot be asked without a package that is not installed.
        UsageError: the run has no model yet, or several cells; there is no such run or model; or a
            question is empty. With a risk, see `AnswerOrAbstain.of_run`.
    """
    from saysel.estimators.verbalized import VerbalizedEstimator

    texts = [question] if isinstance(question, str) else list(question)
    if not all(text.strip() for text in texts):
        raise UsageError('the question is empty: saysel ask RUN|MODEL "Where is the lantern?"')
    if isinstance(risk, float | int):
        if isinstance(target, ModelRef):
            raise UsageError("a risk needs a run, whose predictions the threshold is chosen on")
        risk = AnswerOrAbstain.of_run(target, risk, cell=cell)
    recipe, format, model = resolved(target, cell)
    sampler = recipe.evaluate.sampler or recipe.sample
    sampler.check_installed()
    context = EstimationContext(
        sampler,
        format,
        recipe.cluster,
        recipe.judge,
        recipe.evaluate.temperature,
        recipe.seed,
        partial(questions, recipe),
    )
    asked = [
        Question("ask" if number == 1 else f"ask {number}", text, ("",))
        for number, text in enumerate(texts, 1)
    ]
    answers = [
        answered(prediction, risk)
        for prediction in VerbalizedEstimator().estimate(model, asked, context)
    ]
    return answers[0] if isinstance(question, str) else answers


def answered(prediction: Prediction, rule: AnswerOrAbstain | None) -> Answer:
    """The answer of a prediction, if the rule gives it."""
    withheld = None
    if rule is not None and prediction.answer is not None:
        withheld = rule.withholds(prediction.confidence)
    return Answer(
        answer=prediction.answer if withheld is None else None,
        rationale=prediction.rationale,
        confidence=prediction.confidence,
        response=prediction.response,
        declined=prediction.declined,
        withheld=withheld,
    )


def resolved(
    target: Run | ModelRef | str | PathLike[str], cell: str | None
) -> tuple[Recipe, Format, ModelRef]:
    """The recipe, the format in which the model is asked, and the model."""
    if not isinstance(target, Run | ModelRef) and Run.exists(target):
        target = Run(target)
    if isinstance(target, Run):
        return _last_of(target, cell)
    if cell is not None:
        raise UsageError(f"{target}: --cell is for run directories, and it has no recipe.yaml")
    recipe = Recipe.model_validate({"name": "ask", "source": "witness"})
    if isinstance(target, ModelRef):
        return recipe, recipe.format, target
    _check_may_be_a_model(Path(target))
    from saysel.export.settings import read_settings
    from saysel.hf import model_at

    recipe, model = read_settings(Path(target)) or (recipe, model_at(str(target)))
    return recipe, recipe.format, model


def _last_of(run: Run, cell: str | None) -> tuple[Recipe, Format, ModelRef]:
    """The same for the last model that a run has finished."""
    from saysel.export.model import last_model

    chosen = chosen_cell(run.directory, run.plan, cell)
    step, model = last_model(run.directory, run.plan, chosen)
    return chosen.recipe, asking_format(chosen.recipe, step.model != BASE), model


def _check_may_be_a_model(path: Path) -> None:
    """Refuse what is no path of this machine and clearly no hub id either.

    Raises:
        UsageError: there is no such path, and it names a run, a recipe or a directory.
    """
    if path.exists():
        return
    if len(path.parts) == 1 and Run.exists("runs" / path):
        raise UsageError(f"{path}: there is no such model: did you mean {'runs' / path}?")
    if str(path) in packaged():
        raise UsageError(
            f"{path}: this is a recipe: first run it (saysel run {path}), then name its run "
            f"directory ({'runs' / path})"
        )
    if path.is_absolute() or len(path.parts) > 2 or path.parts[0] in ("runs", ".."):
        raise UsageError(f"{path}: there is no such run directory and no such model")
