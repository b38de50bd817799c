"""Calibration with semantic reward (CSR, arXiv 2605.15588): agreement instead of a confidence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from saysel.interfaces import BatchReward, JudgedReply, SegmentRewards


class CsrReward(BatchReward):
    """R = y + weight (2 y - 1) a for answers, a the share of the group that gives the same answer.

    In [-weight, 1 + weight]. a is over the other replies to the question. Correct answers are
    rewarded for agreeing, and wrong ones for differing from each other, so the share of samples
    that agree becomes a confidence: evaluate with `self_consistency`. The stated confidence learns
    nothing, except that a reply without a readable one gets -1.

    Deviations: only the abstract was available for the form of the second term; the answers are
    compared as text, without case, instead of by their meaning.
    """

    rewards_confidence: ClassVar[bool] = False

    weight: float = Field(0.5, gt=0, description="strength of the agreement term")

    def rewards(self, replies: Sequence[JudgedReply]) -> list[SegmentRewards]:
        answers: dict[str, Counter[str | None]] = defaultdict(Counter)
        for reply in replies:
            answers[reply.question.id][same(reply.answer)] += 1
        return [
            SegmentRewards(
                answer=self._answer(reply, answers[reply.question.id]),
                confidence=-1.0 if reply.confidence is None else 0.0,
            )
            for reply in replies
        ]

    def _answer(self, reply: JudgedReply, group: Counter[str | None]) -> float:
        others = sum(group.values()) - 1
        if reply.answer is None or not others:
            return reply.correct
        agreement = (group[same(reply.answer)] - 1) / others
        return reply.correct + self.weight * (2 * reply.correct - 1) * agreement


def same(answer: str | None) -> str | None:
    """An answer in the form in which it is compared."""
    return None if answer is None else " ".join(answer.casefold().split())
