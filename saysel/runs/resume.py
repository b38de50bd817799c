"""What to do about a step that a command needs and a run does not have."""

from __future__ import annotations

import re
from pathlib import Path

from saysel.plan.stage import Plan, Stage
from saysel.storage import intact_record


def resume_advice(run_directory: Path, todo: Plan, step: Stage) -> str:
    """What to do about a missing step: run the recipe, or undo a change since it ran."""
    stages = (intact_record(run_directory / "manifest.json") or {"stages": {}})["stages"]
    # Cells of a matrix have steps of the same name, which are recorded by their directories.
    key = re.compile(rf"{re.escape(step.name)}(-[0-9a-f]{{12}})?")
    done = {record["fingerprint"] for name, record in stages.items() if key.fullmatch(name)}
    if done and not done & {other.fingerprint for other in todo.steps}:
        return (
            "its questions, its model or a component have changed since it ran: undo the change, "
            "or run the recipe again"
        )
    return "run the recipe first"
