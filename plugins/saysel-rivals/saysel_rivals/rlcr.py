"""The reward of RLCR (arXiv 2507.16806): correctness minus the Brier score."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from saysel.interfaces import RewardFn


class RlcrReward(RewardFn):
    """R = y - (c - y)^2, and `unreadable` where no confidence can be read.

    In [-1, 1]. With y in {0, 1} and P(y = 1) = p its expectation p - p (1 - c)^2 - (1 - p) c^2 is
    largest at c = p, where it is p^2. It grows with p, so correct answers are rewarded as such,
    unlike with `quadratic`. Deviation: the paper adds a reward for each part of the format; here
    a reply without a readable confidence gets at most the lowest reward of the others.
    """

    unreadable: float = Field(
        -1.0, le=-1, description="reward of a reply without a readable confidence"
    )

    def reward(self, correct: Sequence[float], confidence: Sequence[float | None]) -> list[float]:
        return [
            self.unreadable if c is None else y - (c - y) ** 2
            for y, c in zip(correct, confidence, strict=True)
        ]
