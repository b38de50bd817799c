"""PPO-C's reward (arXiv 2410.09724): a reward model's score, shifted by the stated confidence."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from saysel.interfaces import RewardFn


class PpoCReward(RewardFn):
    """R = r + w |r| (c - 1/2) where r is above the threshold, r - w |r| (c - 1/2) elsewhere.

    In the paper r comes from a reward model, and the threshold is a running mean of it. Here r is
    2 y - 1, from the judge, and the threshold is fixed: a reward keeps no state. Not a proper
    score: for a right answer R grows with c and for a wrong one it falls, both on a straight
    line, so that its expectation is largest at c = 1 for p > 1/2 and at c = 0 otherwise. Where no
    confidence can be read, -1 - w: less than any reply that can be read.
    """

    w: float = Field(0.5, gt=0, description="weight of the confidence")
    threshold: float = Field(0.0, ge=-1, lt=1, description="r above which confidence is paid for")

    def reward(self, correct: Sequence[float], confidence: Sequence[float | None]) -> list[float]:
        return [
            -1.0 - self.w if c is None else self._score(2 * y - 1, c)
            for y, c in zip(correct, confidence, strict=True)
        ]

    def _score(self, r: float, c: float) -> float:
        side = 1 if r > self.threshold else -1
        return r + side * self.w * abs(r) * (c - 0.5)
