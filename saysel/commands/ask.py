"""`saysel ask`: one question to a trained model."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from saysel.display.terminal import echo
from saysel.errors import UsageError
from saysel.export.model import last_model
from saysel.hf import model_at
from saysel.interfaces import EstimationContext
from saysel.plan.cell_choice import chosen_cell
from saysel.plan.plan import plan
from saysel.recipes.questions import questions
from saysel.recipes.recipe import Recipe, load
from saysel.records import Question


def ask(target: str, question: str, cell: str | None = None) -> None:
    """Print answer, rationale and confidence.

    The model of a run directory is the last one that the run has finished, asked in the recipe's
    format and decoding; any other model, or adapter of one, is asked in the `sayself` format.

    Raises:
        UsageError: the run has no model yet, or several; there is no such place; or the question
            is empty.
    """
    from saysel.estimators.verbalized import VerbalizedEstimator

    if not question.strip():
        raise UsageError('the question is empty: saysel ask RUN|MODEL "Where is the lantern?"')
    run = Path(target)
    if (run / "recipe.yaml").is_file():
        todo = plan(load(str(run / "recipe.yaml")))
        chosen = chosen_cell(run, todo, cell)
        recipe, (_, model) = chosen.recipe, last_model(run, todo, chosen)
    elif cell is not None:
        raise UsageError(f"{target}: --cell is for run directories, and it has no recipe.yaml")
    elif _would_be_a_run(run):
        raise UsageError(f"{target}: there is no such run directory and no such model")
    else:
        recipe = Recipe.model_validate({"name": "ask", "source": "witness"})
        model = model_at(target)
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
        echo(f"no answer could be read from the reply: {prediction.response}")
        return
    echo(f"answer:     {prediction.answer}")
    if prediction.rationale is not None:
        echo(f"rationale:  {prediction.rationale}")
    stated = prediction.confidence
    echo(f"confidence: {'not stated' if stated is None else f'{stated:.0%}'}")


def _would_be_a_run(place: Path) -> bool:
    """Whether somebody means a place on this machine, at which nothing is, and no id of the hub."""
    return not place.exists() and (
        place.is_absolute() or len(place.parts) > 2 or place.parts[0] in ("runs", "..")
    )
