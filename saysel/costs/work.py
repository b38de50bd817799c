"""How much work a recipe is: from its options alone, and in time after a smoke run."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from saysel.plan.plan import Step, plan
from saysel.recipes.questions import questions
from saysel.recipes.recipe import Recipe
from saysel.storage import read_record


class Amount(NamedTuple):
    """Units of work, the unit, and the most tokens that can be generated."""

    units: int
    unit: str
    tokens: int = 0


def work(step: Step) -> Amount:
    """How much there is to do in a step, at most.

    Every training question is counted as an example, and every reply as long as allowed.

    Raises:
        DataError: the source's questions cannot be used.
    """
    recipe = step.recipe
    longest = recipe.sample.reply_limit() or 0
    if step.stage == "model":
        return Amount(*recipe.model.work(recipe.source))
    if step.stage == "train" and step.trainer is not None:
        return Amount(*step.trainer.work(_count(recipe, "train")))
    if step.stage == "evaluate" and step.estimator is not None:
        splits = [recipe.evaluate.split, *step.estimator.splits()]
        asked = sum(_count(recipe, split) for split in splits)
        replies = asked * step.estimator.replies()
        return Amount(replies, "replies", replies * longest)
    reflecting = recipe.evaluate.faithfulness
    if step.stage == "faithfulness" and reflecting is not None:
        replies = _count(recipe, recipe.evaluate.split) * (1 + reflecting.n)
        return Amount(replies, "replies", replies * longest)
    if step.stage == "grade" and reflecting is not None and reflecting.grader is not None:
        grader = reflecting.grader
        graded = min(grader.questions, _count(recipe, recipe.evaluate.split))
        return Amount(graded, "grades", graded * (grader.sampler.reply_limit() or 0))
    if step.stage == "report":
        return Amount(0, "")
    asked = _count(recipe, "train")
    if step.stage == "sample":
        replies = asked * recipe.sample.n
        return Amount(replies, "responses", replies * longest)
    return Amount(asked, "questions")


def _count(recipe: Recipe, split: str) -> int:
    known = recipe.source.size(split)
    return len(questions(recipe, split)) if known is None else known


def full_run(recipe: Recipe, smoke: Path) -> str:
    """A line that says how long a recipe will take, from what its smoke run measured.

    Replies are timed by the token, at the best rate that any stage of the smoke run reached,
    because a handful of questions fills no batch. Training is timed by the step, whose first is
    the slowest: the estimate is an upper one.
    """
    measured = read_record(smoke / "manifest.json")["stages"]
    rates = [
        record["tokens"] / record["work"]["seconds"]
        for name, record in measured.items()
        if record["tokens"] and record["work"]["seconds"] and not name.startswith("train-")
    ]
    total = 0.0
    for step in plan(recipe).steps:
        record = measured.get(step.name) or next(
            (r for name, r in measured.items() if name.startswith(f"{step.name}-")), None
        )
        if record is None:
            continue
        done = record["work"]
        amount = work(step)
        overhead = record["seconds"] - done["seconds"]
        if record["tokens"] and rates and step.stage != "train":
            per_unit = record["tokens"] / done["units"] / max(rates)
        else:
            per_unit = done["seconds"] / max(1, done["units"])
        total += overhead + per_unit * amount.units
    return (
        f"the full run of '{recipe.name}' will take at most about {duration(total)} on this machine"
    )


def duration(seconds: float) -> str:
    """Seconds in the unit that reads best."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"
