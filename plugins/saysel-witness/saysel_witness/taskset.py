"""The witness world as a taskset of verifiers 0.4: `--env.taskset.id saysel_witness`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import verifiers.v1 as vf

from saysel.records import Question
from saysel_witness.stories import Verdict, World


class WitnessConfig(vf.TasksetConfig):
    """Which stories, and how they are asked; see `saysel_witness.stories.World`."""

    split: str = "rl"
    n: int = 1000
    seed: int = 0
    format: str = "percent"
    reliabilities: bool = True

    def world(self) -> World:
        """The stories of these options."""
        return World(self.split, self.n, self.seed, self.format, self.reliabilities)


class WitnessData(vf.TaskData):
    """One story, with all that is needed to score a reply in another process."""

    question: str
    answers: list[str]
    statements: list[list[str]]
    format: str


class WitnessTask(vf.Task[WitnessData]):
    """A story; the reward is proper, so that honest confidences get the highest expected reward."""

    def __init__(self, data: WitnessData, config: Any = None, world: World | None = None) -> None:
        super().__init__(data, config)
        self.world = world or World(format=data.format)

    def verdict(self, trace: vf.Trace) -> Verdict:
        """What the last reply is worth."""
        data = self.data
        question = Question(
            data.id or "", data.question, tuple(data.answers), meta={"statements": data.statements}
        )
        return self.world.verdict(question, trace.last_reply)

    @vf.reward
    async def calibration(self, trace: vf.Trace) -> float:
        """1 - (y - c)^2; 0 for an unreadable reply."""
        return 1 - self.verdict(trace).squared_error

    @vf.metric
    async def scores(self, trace: vf.Trace) -> dict[str, float]:
        """Correctness, whether the reply could be read, and what could have been reached."""
        verdict = self.verdict(trace)
        return {
            "correct": verdict.correct,
            "readable": float(verdict.confidence is not None),
            "brier": verdict.squared_error,
            "limit": verdict.limit,
        }


class WitnessTaskset(vf.Taskset[WitnessTask, WitnessConfig]):
    """The stories of a split."""

    def load(self) -> Iterator[WitnessTask]:
        world = self.config.world()
        for question in world.questions():
            *system, user = world.prompt(question)
            data = WitnessData(
                id=question.id,
                prompt=user["content"],
                system_prompt="\n\n".join(message["content"] for message in system) or None,
                question=question.prompt,
                answers=list(question.answers),
                statements=question.meta["statements"],
                format=world.format,
            )
            yield WitnessTask(data, self.config.task, world)
