"""All stages, by name. A new stage is one file of `saysel/stages/` and one line here."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from saysel.plan.stage import Stage

#: The class of each stage, in the order in which they run. Classes are imported when a recipe is
#: planned, so that the command line knows the names without loading the stages.
STAGES = {
    "model": "saysel.stages.model:ModelStage",
    "sample": "saysel.stages.sample:SampleStage",
    "cluster": "saysel.stages.cluster:ClusterStage",
    "rationale": "saysel.stages.rationale:RationaleStage",
    "target": "saysel.stages.target:TargetStage",
    "train": "saysel.stages.train:TrainStage",
    "evaluate": "saysel.stages.evaluate:EvaluateStage",
    "faithfulness": "saysel.stages.faithfulness:FaithfulnessStage",
    "grade": "saysel.stages.grade:GradeStage",
    "report": "saysel.stages.report:ReportStage",
}


def load_stages() -> dict[str, type[Stage]]:
    """The classes of all stages, by name, in the order in which they run."""
    return {name: resolve_name(target) for name, target in STAGES.items()}


def position(stage: str) -> int:
    """The place of a stage in that order, from 0."""
    return list(STAGES).index(stage)
