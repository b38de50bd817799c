"""A quadratic reward that penalises overconfidence more than underconfidence."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from saysel.interfaces import RewardFn


class AsymmetricReward(RewardFn):
    """R = 1 - 2 w (y - c)^2 with w = price where c is above y and 1 elsewhere.

    In [1 - 2 max(price, 1), 1]; a reply without a readable confidence gets the minimum.

    With y in {0, 1} and P(y = 1) = p the expected loss is, up to the factor 2,
    p (1 - c)^2 + price (1 - p) c^2. Its slope -2 p (1 - c) + 2 price (1 - p) c is zero at

        c = p / (p + price (1 - p)),

    the confidence it teaches: c = p for price 1, where it is the paper's `quadratic`, and less
    than p for a higher price. The odds c / (1 - c) are p / (1 - p) divided by the price, so p can
    be recovered from the confidence: p = price c / (1 - c + price c).
    """

    price: float = Field(
        2.0, gt=0, description="penalty of a confidence above correctness, relative to one below"
    )

    def reward(self, correct: Sequence[float], confidence: Sequence[float | None]) -> list[float]:
        return [
            1 - 2 * max(self.price, 1.0)
            if c is None
            else 1 - 2 * (self.price if c > y else 1.0) * (y - c) ** 2
            for y, c in zip(correct, confidence, strict=True)
        ]
