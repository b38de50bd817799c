"""The paper's reward (arXiv 2405.20974, section 2.3)."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.interfaces import RewardFn


class QuadraticReward(RewardFn):
    """R = 1 - 2 (y - c)^2, and -1 without a readable confidence.

    In [-1, 1]. A proper score: with y in {0, 1} and P(y = 1) = p its expectation is largest at
    c = p. A wrong answer at confidence 0 gets the same reward as a correct one at confidence 1, so
    correct answers are not rewarded as such: watch the accuracy. A figure in the paper shows a
    reward that is always c^2 / 100, a misprint; this is the reward in its text and code.
    """

    def reward(self, correct: Sequence[float], confidence: Sequence[float | None]) -> list[float]:
        return [
            -1.0 if c is None else 1.0 - 2.0 * (y - c) ** 2
            for y, c in zip(correct, confidence, strict=True)
        ]
