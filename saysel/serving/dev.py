"""The curve that recalibrates the expected confidence, fitted on the dev questions of a run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from saysel.errors import UsageError
from saysel.estimators.expected import ExpectedEstimator
from saysel.estimators.recalibrated import fit_curve, judged_pairs
from saysel.interfaces import EstimationContext, Format
from saysel.plan.fingerprint import fingerprint
from saysel.recipes.questions import questions
from saysel.recipes.recipe import Recipe
from saysel.records import ModelRef
from saysel.runs.progress import StageProgress
from saysel.stages.evaluation import evaluation_content, evaluation_sampler
from saysel.storage import intact_record, write_record

SPLIT = "dev"
#: Questions between two updates of the progress.
PART = 64


def dev_curve(
    method: str, run: Path, recipe: Recipe, format: Format, model: ModelRef
) -> Callable[[Any], Any]:
    """A curve fitted on the expected confidences of judged answers to the dev questions.

    The answers are kept in the run directory and asked for once.

    Args:
        method: kind of curve, see the estimator `recalibrated`.
        run: the run directory.
        recipe, format, model: see `saysel.api.asking.resolved`.

    Raises:
        UsageError: no dev answer has a confidence and can be judged.
    """
    content = {"asked": evaluation_content(recipe, format), "model": vars(model), "split": SPLIT}
    path = run / "serving" / f"dev-{fingerprint('serving', content, {})}.json"
    record = intact_record(path)
    if record is None:
        record = _asked(recipe, format, model)
        write_record(path, record)
    if not record["confidences"]:
        raise UsageError(
            f"{run}: none of the answers to its {SPLIT} questions has a confidence and can be "
            "judged, so there is nothing to fit a curve on"
        )
    return fit_curve(method, record["confidences"], record["correct"])


def _asked(recipe: Recipe, format: Format, model: ModelRef) -> dict[str, list[float]]:
    asked = questions(recipe, SPLIT)
    context = EstimationContext(
        evaluation_sampler(recipe),
        format,
        recipe.cluster,
        recipe.judge,
        recipe.evaluate.temperature,
        recipe.seed,
        partial(questions, recipe),
    )
    confidences: list[float] = []
    correct: list[float] = []
    with StageProgress("serve") as progress:
        progress.begin(len(asked), f"{SPLIT} questions")
        for start in range(0, len(asked), PART):
            part = asked[start : start + PART]
            predictions = list(ExpectedEstimator().estimate(model, part, context))
            stated, judged = judged_pairs(part, predictions, context)
            confidences += stated
            correct += judged
            progress.advance(len(part))
    return {"confidences": confidences, "correct": correct}
