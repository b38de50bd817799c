"""The reward of TruthRL (arXiv 2509.25760): declining is better than a wrong answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from saysel.interfaces import BatchReward, JudgedReply, SegmentRewards


class TruthRlReward(BatchReward):
    """R = 1 for a correct reply, 0 for one that declines, -1 for a wrong or unreadable one.

    2 y - 1 for graded correctness y. Declining an unanswerable question is correct. Within a group
    of replies to one question, declining gains on wrong answers and loses against correct ones, so
    the model learns to decline where it is right in less than half of its answers. The stated
    confidence learns nothing.

    The format needs the option `decline`, and the model has to decline sometimes before training:
    what is never sampled is never rewarded. Use it in `grpo` with `mask: response`, which gives the
    whole reply this reward.
    """

    rewards_confidence: ClassVar[bool] = False

    def rewards(self, replies: Sequence[JudgedReply]) -> list[SegmentRewards]:
        return [
            # Without a confidence, the reward of the confidence is that of the whole reply.
            SegmentRewards(confidence=ternary(reply))
            if reply.confidence is None
            else SegmentRewards(answer=ternary(reply))
            for reply in replies
        ]


def ternary(reply: JudgedReply) -> float:
    """The reward of a whole reply."""
    if reply.declined:
        return float(reply.correct >= 0.5)
    if reply.answer is None and reply.confidence is None:
        return -1.0
    return 2 * reply.correct - 1
