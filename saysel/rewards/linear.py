"""The linear reward of the paper's ablation (arXiv 2405.20974, section 4)."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.interfaces import RewardFn


class LinearReward(RewardFn):
    """R = +c if right, -c if wrong, and -1 without a readable confidence.

    In [-1, 1]. Not a proper score: its expectation (2p - 1) c is largest at c = 1 for p > 1/2 and
    at c = 0 otherwise, so it teaches extreme confidences.
    """

    def reward(self, correct: Sequence[float], confidence: Sequence[float | None]) -> list[float]:
        return [
            -1.0 if c is None else (2.0 * y - 1.0) * c
            for y, c in zip(correct, confidence, strict=True)
        ]
