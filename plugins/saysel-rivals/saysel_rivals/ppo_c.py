"""The calibrated reward of PPO-C (Taming Overconfidence, arXiv 2410.09724)."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from saysel.interfaces import RewardFn


class PpoCReward(RewardFn):
    """R = r ± weight |r| (c - 1/2): plus above the mean of the batch, minus below it.

    r = 2 y - 1 in [-1, 1] takes the place of a reward model's score, so that wrong answers have a
    size too. A reply at the mean itself gets r alone: where all are right or all are wrong,
    nothing tells what to be surer of. Unreadable replies count in the mean and earn -1 - weight,
    less than any other.

    Deviation: the paper compares with a running mean over batches; a reward is a function of its
    batch and remembers nothing, so the mean is that of the batch, which should be large and hold
    right and wrong replies. R lies in [-1 - weight, 1 + weight / 2].

    PPO with `confidences: summed` asks for one reply at a time, where this adds nothing: leave it
    at `drawn`.

    Not a proper score: for a reply that is right with probability p in a batch with both, the
    expectation is linear in c with slope weight (2 p - 1): largest at c = 1 for p > 1/2 and at
    c = 0 for p < 1/2, so it teaches extreme confidences.
    """

    weight: float = Field(0.5, gt=0, description="what confidence can add or take, at most half")

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
