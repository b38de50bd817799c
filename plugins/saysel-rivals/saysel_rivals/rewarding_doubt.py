"""Rewarding Doubt's reward (arXiv 2503.02623): the logarithmic score."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from pydantic import Field

from saysel.interfaces import RewardFn


class LogReward(RewardFn):
    """R = log c when right, log(1 - c) when wrong, and a penalty where no confidence can be read.

    Confidences are clipped to [clip, 1 - clip], so that R lies in [log(clip), log(1 - clip)].
    Proper: its expectation is largest at c = p, for p within the clip, and at the nearer end of
    it beyond. Of those rewards that do not pay for right answers by themselves: train the
    confidence only, as the paper does, or watch accuracy.
    """

    clip: float = Field(0.001, gt=0, lt=0.5, description="how near to 0 and 1 a confidence counts")
    unreadable: float = Field(-3.0, lt=0, description="reward without a readable confidence")

    def reward(self, correct: Sequence[float], confidence: Sequence[float | None]) -> list[float]:
        return [
            self.unreadable if c is None else self._score(y, c)
            for y, c in zip(correct, confidence, strict=True)
        ]

    def _score(self, y: float, c: float) -> float:
        c = min(max(c, self.clip), 1 - self.clip)
        return y * log(c) + (1 - y) * log(1 - c)
