"""A price for confident errors: the Brier score with another weight where the answer is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from saysel.interfaces import RewardFn


class AsymmetricReward(RewardFn):
    """R = -(1 - c)^2 when right, -k c^2 when wrong, and -max(k, 1) without a readable confidence.

    In [-max(k, 1), 0]. Proper only for k = 1: the expectation -p (1 - c)^2 - (1 - p) k c^2 is
    largest at c = p / (p + k (1 - p)), below p for k > 1. It teaches the caution that its price
    asks for, and calibration measured afterwards shows it as underconfidence.
    """

    price: float = Field(2.0, gt=0, description="k: what an error costs, over what doubt costs")

    def reward(self, correct: Sequence[float], confidence: Sequence[float | None]) -> list[float]:
        return [
            -max(self.price, 1.0) if c is None else -y * (1 - c) ** 2 - (1 - y) * self.price * c**2
            for y, c in zip(correct, confidence, strict=True)
        ]
