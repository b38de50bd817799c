"""One small abstract class per kind of component: the contract that a plugin author reads.

A component is a frozen pydantic model. Its fields are its options, and the first line of its
docstring is what `saysel plugins` lists. Heavy libraries are imported inside the methods that need
them. A field annotated with a kind takes a component of that kind:

    class Mean(RewardFn):
        '''Mean of several rewards.'''

        members: tuple[RewardFn, ...] = Field(description="rewards to average")

        def reward(self, correct, confidence):
            rewards = [member.reward(correct, confidence) for member in self.members]
            return [sum(column) / len(column) for column in zip(*rewards, strict=True)]

The docstring of each kind below begins with a complete plugin. Save it as `sayselfile.py` next to a
recipe, and the recipe can use the name that its hook returns: `reward: {use: mean, members:
[quadratic, linear]}`. To share it, make it a package with an entry point in `pyproject.toml`, in
the group `saysel`, that names the module with the hook (`saysel new plugin` writes one).
"""

from __future__ import annotations

from saysel.interfaces.batch_reward import BatchReward, JudgedReply, SegmentRewards
from saysel.interfaces.clusterer import Clusterer
from saysel.interfaces.component import (
    Component,
    ContentHashed,
    FingerprintedIfSet,
    Item,
    NotFingerprinted,
    Options,
    Progress,
    Result,
)
from saysel.interfaces.engine import Engine
from saysel.interfaces.estimator import EstimationContext, Estimator
from saysel.interfaces.format import Format, Parsed
from saysel.interfaces.judge import Judge
from saysel.interfaces.metric import Metric
from saysel.interfaces.model import Model
from saysel.interfaces.prediction_arrays import PredictionArrays
from saysel.interfaces.rationale import RationaleWriter
from saysel.interfaces.reward import RewardFn
from saysel.interfaces.sampler import Sampler
from saysel.interfaces.source import Ideal, Source
from saysel.interfaces.target import Target
from saysel.interfaces.trainer import PassSize, Trainer, TrainingData
from saysel.records import Prompt

KINDS: dict[str, type[Component]] = {
    interface.kind: interface
    for interface in (
        Model,
        Source,
        Sampler,
        Clusterer,
        RationaleWriter,
        Target,
        Format,
        Judge,
        RewardFn,
        Trainer,
        Estimator,
        Metric,
        Engine,
    )
}

__all__ = [
    "KINDS",
    "BatchReward",
    "Clusterer",
    "Component",
    "ContentHashed",
    "Engine",
    "EstimationContext",
    "Estimator",
    "FingerprintedIfSet",
    "Format",
    "Ideal",
    "Item",
    "Judge",
    "JudgedReply",
    "Metric",
    "Model",
    "NotFingerprinted",
    "Options",
    "Parsed",
    "PassSize",
    "PredictionArrays",
    "Progress",
    "Prompt",
    "RationaleWriter",
    "Result",
    "RewardFn",
    "Sampler",
    "SegmentRewards",
    "Source",
    "Target",
    "Trainer",
    "TrainingData",
]
