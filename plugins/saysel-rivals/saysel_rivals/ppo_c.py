"""The calibrated reward of PPO-C (Taming Overconfidence, arXiv 2410.09724)."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from saysel.interfaces import RewardFn


class PpoCReward(RewardFn):
    """R = r ± weight |r| (c - 1/2): plus above the mean of the batch, minus below it.

    r = 2 y - 1 in [-1, 1] replaces the score of a reward model, so that |r| is not 0 for wrong
    answers. A reply exactly at the mean gets r: if all replies are right or all are wrong, nothing
    indicates which should be more confident. Unreadable replies are included in the mean and get
    -1 - weight, less than any other reply.

    Deviation: the paper compares with a running mean over batches. A reward here is a function of
    its batch without a state, so the mean is that of the batch, which should be large and contain
    right and wrong replies. R is in [-1 - weight, 1 + weight / 2].

    PPO with `confidences: expected` passes one reply at a time, where the reward is constant: use
    `sampled`.

    Not a proper score: for a reply that is right with probability p in a batch with both, the
    expectation is linear in c with slope weight (2 p - 1): largest at c = 1 for p > 1/2 and at
    c = 0 for p < 1/2, so it teaches extreme confidences.
    """

    weight: float = Field(
        0.5,
        gt=0,
        description="strength of the confidence term, whose absolute value is at most half of this",
    )

    def reward(self, correct: Sequence[float], confidence: Sequence[float | None]) -> list[float]:
        scores = [2 * y - 1 for y in correct]
        mean = sum(scores) / len(scores) if scores else 0.0
        rewards = []
        for r, c in zip(scores, confidence, strict=True):
            if c is None:
                rewards.append(-1 - self.weight)
            else:
                side = (r > mean) - (r < mean)
                rewards.append(r + side * self.weight * abs(r) * (c - 0.5))
        return rewards
