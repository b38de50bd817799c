"""`saysel ask`: one question to a trained model."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from saysel.errors import UsageError
from saysel.interfaces import EstimationContext
from saysel.plan import plan
from saysel.recipe import Recipe, load
from saysel.records import ModelRef, Question
from saysel.stages import questions, read_model, stage_directory
from saysel.storage import finished


def ask(target: str, question: str) -> None:
    """Print answer, rationale and confidence.

    The model of a run directory is the last one that the run has finished, asked in the recipe's
    format and decoding; any other model is asked in the `sayself` format.

    Raises:
        UsageError: the run has no model yet, or the question is empty.
    """
    from saysel.estimators.verbalized import VerbalizedEstimator

    if not question.strip():
        raise UsageError('the question is empty: saysel ask RUN|MODEL "Where is the lantern?"')
    run = Path(target)
    if (run / "recipe.yaml").is_file():
        recipe = load(str(run / "recipe.yaml"))
        model = last_model(run, recipe)
    else:
        recipe = Recipe.model_validate({"name": "ask", "source": "witness"})
        model = ModelRef(target)
    context = EstimationContext(
        recipe.evaluate.sampler or recipe.sample,
        recipe.format,
        recipe.cluster,
        recipe.judge,
        recipe.evaluate.temperature,
        recipe.seed,
        partial(questions, recipe),
    )
    asked = Question("ask", question, ("",))
    (prediction,) = VerbalizedEstimator().estimate(model, [asked], context)
    if prediction.answer is None:
        click.echo(f"no answer could be read from the reply: {prediction.response}")
        return
    click.echo(f"answer:     {prediction.answer}")
    if prediction.rationale is not None:
        click.echo(f"rationale:  {prediction.rationale}")
    stated = prediction.confidence
    click.echo(f"confidence: {'not stated' if stated is None else f'{stated:.0%}'}")


def last_model(run: Path, recipe: Recipe) -> ModelRef:
    """The model that the run has finished last.

    Raises:
        UsageError: there is none.
    """
    made = [
        step
        for step in plan(recipe).cells[0].steps
        if step.stage in ("model", "train") and finished(stage_directory(run, step)) is not None
    ]
    if not made:
        raise UsageError(f"{run}: the run has not made a model yet: run the recipe first")
    return read_model(run, stage_directory(run, made[-1]))
