"""How long a recipe will take, estimated from its smoke run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from saysel.display.durations import duration
from saysel.plan.plan import plan
from saysel.recipes.recipe import Recipe
from saysel.storage import read_record


def full_run_estimate(recipe: Recipe, smoke: Path) -> str:
    """A line that says how long a recipe will take.

    Replies are timed by the token, at the best rate that any stage of the smoke run reached,
    because a handful of questions fills no batch. Training is timed by the step, whose first is
    the slowest: the estimate is an upper one.

    Args:
        smoke: directory of the finished smoke run.
    """
    measured = read_record(smoke / "manifest.json")["stages"]
    steps = [(step, _records(measured, step.name)) for step in plan(recipe).steps]
    rates = [
        record["tokens"] / record["work"]["seconds"]
        for step, records in steps
        for record in records
        if record["tokens"] and record["work"]["seconds"] and not step.trains
    ]
    total = 0.0
    for step, records in steps:
        if not records:
            continue
        record, work = records[0], records[0]["work"]
        if record["tokens"] and rates and not step.trains:
            seconds_per_unit = record["tokens"] / work["units"] / max(rates)
        else:
            seconds_per_unit = work["seconds"] / max(1, work["units"])
        overhead = record["seconds"] - work["seconds"]
        total += overhead + seconds_per_unit * step.work().units
    return (
        f"the full run of '{recipe.name}' will take at most about {duration(total)} on this machine"
    )


def _records(measured: Mapping[str, Mapping[str, Any]], step: str) -> list[Mapping[str, Any]]:
    """What a manifest says of a step; in a matrix run there is one record per cell."""
    if step in measured:
        return [measured[step]]
    return [record for name, record in measured.items() if name.startswith(f"{step}-")]
