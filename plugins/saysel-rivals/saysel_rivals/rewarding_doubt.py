"""The reward of Rewarding Doubt (arXiv 2503.02623): the logarithmic score."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pydantic import Field

from saysel.interfaces import RewardFn

#: Confidences are clipped to at least this distance from 0 and 1.
EDGE = 1e-3


class LogReward(RewardFn):
    """R = y log c + (1 - y) log(1 - c), and `unreadable` where no confidence can be read.

    Natural logarithms of c clipped to [0.001, 0.999]: in [-6.91, -0.001]. A proper score: with y
    in {0, 1} and P(y = 1) = p its expectation is largest at c = p, or at the bound nearest to it.
    The released code rescales the score to [-1, 1] and gives -3 to unreadable replies, which is
    2 ln 0.001 = -13.8 in nats. Its bonus of 0.25 for correct answers is left out, because answers
    are not trained.
    """

    unreadable: float = Field(
        2 * math.log(EDGE), lt=0, description="reward of a reply without a readable confidence"
    )

    def reward(self, correct: Sequence[float], confidence: Sequence[float | None]) -> list[float]:
        rewards = []
        for y, c in zip(correct, confidence, strict=True):
            if c is None:
                rewards.append(self.unreadable)
            else:
                clipped = min(max(c, EDGE), 1 - EDGE)
                rewards.append(y * math.log(clipped) + (1 - y) * math.log(1 - clipped))
        return rewards
