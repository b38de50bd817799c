"""Questions, a model and responses that cost next to nothing, so that the rest can be measured."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

import saysel
from saysel.errors import NoSplit
from saysel.interfaces import Model, NotFingerprinted, Prompt, Sampler, Source
from saysel.records import Generation, ModelRef, Question

#: Responses of about 90 tokens, as long as short chains of thought.
REASONING = "I recall what I know of this and compare it with what the question asks. " * 6
ANSWERS = ("the kitchen", "the cellar", "the attic", "the garden", "the library")


class NumberedSource(Source):
    """Questions that differ by their number."""

    disjoint: ClassVar[bool] = True

    count: int = Field(500, ge=1, description="questions in each split")

    def questions(self, split: str) -> Iterator[Question]:
        if split not in ("train", "heldout"):
            raise NoSplit(f"numbered: there is no split '{split}'")
        for number in range(self.count):
            text = f"Somebody hid thing number {number} of the {split} things. Where is it?"
            yield Question(f"{split}-{number}", text, (ANSWERS[number % len(ANSWERS)],))

    def size(self, split: str) -> int:
        return self.count


class NoModel(Model):
    """Stands for a model; the sampler does not need one."""

    def prepare(self, *args: Any) -> ModelRef:
        return ModelRef("none")


class DrawnSampler(Sampler):
    """Draws each answer at random: the more often one is drawn, the higher its confidence."""

    wait: NotFingerprinted[float] = Field(0.0, ge=0, description="seconds for each prompt")

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        draw = random.Random(seed)
        for _ in prompts:
            time.sleep(self.wait)
            shares = [draw.random() ** 3 for _ in ANSWERS]
            yield [self._reply(draw, shares) for _ in range(n)]

    def _reply(self, draw: random.Random, shares: Sequence[float]) -> Generation:
        (number,) = draw.choices(range(len(ANSWERS)), shares)
        confidence = round(10 * shares[number] / sum(shares))
        text = f"{REASONING}Answer: {ANSWERS[number]} Confidence: {confidence}"
        return Generation(text, 90)


@saysel.hookimpl
def saysel_event(directory: Path, event: dict[str, Any]) -> None:
    """Note the seconds that the processor worked for this process before a stage, and after it."""
    if event["event"] in ("stage_started", "stage_finished"):
        noted = {"event": event["event"], "stage": event["stage"], "cpu": time.process_time()}
        with (directory / "cpu.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(noted) + "\n")


@saysel.hookimpl
def saysel_sources() -> dict[str, str]:
    return {"numbered": "sayselfile:NumberedSource"}


@saysel.hookimpl
def saysel_models() -> dict[str, str]:
    return {"none": "sayselfile:NoModel"}


@saysel.hookimpl
def saysel_samplers() -> dict[str, str]:
    return {"drawn": "sayselfile:DrawnSampler"}
