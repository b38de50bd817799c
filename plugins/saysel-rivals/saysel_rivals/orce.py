"""A reward for the order of the confidences, after ORCE (arXiv 2605.12446)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from saysel.interfaces import BatchReward, JudgedReply, SegmentRewards


class OrceReward(BatchReward):
    """R = mean over replies j of other correctness of sign(y - y_j) sign(c - c_j), for confidences.

    In [-1, 1]: 1 if every reply that is less correct states less confidence, and every reply that
    is more correct states more. A reply without a readable confidence gets -1 and is compared with
    no other. In a batch in which all replies are equally correct, every reward is 0.

    The order decides, not the values: the expected reward grows with the AUROC of the batch, and
    any increasing function of the confidences gets the same. Rescale the confidences after
    training, or use it before a reward that is a proper score.

    Deviations: the form of the reward is ours, because only the abstract was available for it. The
    paper compares an estimate of the chance of being right, from several samples; this compares y.
    """

    def rewards(self, replies: Sequence[JudgedReply]) -> list[SegmentRewards]:
        return [SegmentRewards(confidence=order(reply, replies)) for reply in replies]

    def confidence_rewards(
        self, replies: Sequence[JudgedReply], choices: Sequence[float | None]
    ) -> list[list[float]]:
        # A reply is not compared with itself, because its correctness is the same.
        return [
            [order(replace(reply, confidence=choice), replies) for choice in choices]
            for reply in replies
        ]


def order(reply: JudgedReply, replies: Sequence[JudgedReply]) -> float:
    """How well a confidence fits those of the replies with another correctness, in [-1, 1]."""
    if reply.confidence is None:
        return -1.0
    signs = [
        sign(reply.correct - other.correct) * sign(reply.confidence - other.confidence)
        for other in replies
        if other.confidence is not None and other.correct != reply.correct
    ]
    return sum(signs) / len(signs) if signs else 0.0


def sign(value: float) -> int:
    return (value > 0) - (value < 0)
