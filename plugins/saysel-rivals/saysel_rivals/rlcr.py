"""RLCR's reward (arXiv 2507.16806): right answers and an honest confidence in one number."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.interfaces import RewardFn


class RlcrReward(RewardFn):
    """R = y - (c - y)^2, and -1 where no confidence can be read.

    In [-1, 1]. Proper: with P(y = 1) = p its expectation is largest at c = p, and there it is
    p - p (1 - p) = p^2, so that being right more often always pays. The paper adds a term for the
    format; here an unreadable reply earns the least that a readable one can.
    """

    def reward(self, correct: Sequence[float], confidence: Sequence[float | None]) -> list[float]:
        return [
            -1.0 if c is None else y - (c - y) ** 2
            for y, c in zip(correct, confidence, strict=True)
        ]
