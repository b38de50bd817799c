"""What all workers train on: the same model, questions, examples, replies and rewards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from saysel.formats.sayself import SaySelfFormat
from saysel.interfaces import Parsed
from saysel.judges.match import MatchJudge
from saysel.records import Example, ModelRef, Question
from saysel.rewards.quadratic import QuadraticReward
from saysel.sources.witness import WitnessSource
from saysel.trainers.judged_replies import judge_replies

QUESTIONS = 256
EPOCHS = 2  # of PPO over each batch
TEMPERATURE = 0.7


@dataclass(frozen=True)
class Settings:
    """One comparison.

    Attributes:
        model: directory of the model.
        dtype: in which it is loaded.
        lora: train an adapter of this rank; 0 trains all weights.
        batch: examples or replies per step.
        micro: examples or replies per forward and backward pass; of PPO, per update.
        group: replies per question of GRPO.
        tokens: maximum tokens of a reply.
        warmup: steps before the first turn.
        steps: steps per turn.
        turns: turns of each worker.
        options: further options of saysel's trainer.
    """

    model: str
    dtype: str = "float32"
    lora: int = 0
    batch: int = 32
    micro: int = 8
    group: int = 8
    tokens: int = 32
    warmup: int = 2
    steps: int = 2
    turns: int = 5
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def ref(self) -> ModelRef:
        return ModelRef(self.model, dtype=self.dtype)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Settings:
        return cls(**json.loads(text))


class AnyReply(SaySelfFormat):
    """Reads an answer and a confidence from any reply, so that untrained models can be rewarded."""

    def parse(self, text: str, cut: bool = False) -> Parsed:
        return Parsed(text[:20] or "-", None, len(text) % 11 / 10)


FORMAT = AnyReply()


def questions() -> list[Question]:
    return list(WitnessSource(train=QUESTIONS).questions("train"))


def examples() -> list[Example]:
    """One for each question, with rationales of different lengths."""
    found = []
    for row, question in enumerate(questions()):
        rationale = " ".join(["I would often say this, and sometimes another."] * (1 + row % 4))
        confidence = row % 11 / 10
        completion = FORMAT.render(question.answers[0], rationale, confidence)
        found.append(Example(question.id, tuple(FORMAT.prompt(question)), completion, confidence))
    return found


def rewards(asked: Sequence[Question], texts: Sequence[str]) -> list[float]:
    """The reward of each reply: parsed, judged and rewarded as by saysel's trainers."""
    judged = judge_replies(
        trainer="benchmark",
        questions=asked,
        texts=texts,
        cut=[False] * len(texts),
        format=FORMAT,
        judge=MatchJudge(),
        reward=QuadraticReward(),
    )
    return judged.rewards
