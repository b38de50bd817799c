"""The rewards of DCPO (arXiv 2603.09117): answer and confidence get separate advantages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean, pstdev

from pydantic import Field

from saysel.interfaces import BatchReward, JudgedReply, SegmentRewards

#: Added to the deviation of a group, as in GRPO.
EPSILON = 1e-4


class DcpoReward(BatchReward):
    """The answer gets y; the confidence gets R = -w (t - c)^2, normalised in its group.

    With y' the mean correctness of the group, the replies to one question, the confidence learns
    t = gamma y + (1 - gamma) y', and its advantage is (R - mean R) / (deviation of R + 1e-4) over
    the readable replies of the group. The answer's advantage y - y' is what `ppo` makes of y, up
    to the factor n / (n - 1) for n replies, because its baseline leaves out the reply itself; the
    same factor applies to the confidence. Everything before the confidence counts as answer, the
    rationale included.

    t is proper for the answer given only at gamma = 1; below, the confidence is drawn towards the
    accuracy on the question. The group's deviation cancels w, which the paper has.

    This follows the paper. Its released code gives the confidence the advantage of the answer, and
    the answer that of the confidence.
    """

    gamma: float = Field(
        0.5, ge=0, le=1, description="weight of the reply's own correctness in what is learned"
    )
    weight: float = Field(0.5, gt=0, description="factor of the confidence's squared error, w")

    def rewards(self, replies: Sequence[JudgedReply]) -> list[SegmentRewards]:
        groups = defaultdict(list)
        for row, reply in enumerate(replies):
            groups[reply.question.id].append(row)
        rewards = [SegmentRewards()] * len(replies)
        for rows in groups.values():
            group = [replies[row] for row in rows]
            for row, reply, confidence in zip(rows, group, self._confidences(group), strict=True):
                rewards[row] = SegmentRewards(reply.correct, reply.correct, confidence)
        return rewards

    def _confidences(self, group: Sequence[JudgedReply]) -> list[float]:
        """The confidences' normalised rewards; -1 for an unreadable one."""
        accuracy = fmean(reply.correct for reply in group)
        errors = [
            None
            if reply.confidence is None
            else (self.gamma * reply.correct + (1 - self.gamma) * accuracy - reply.confidence) ** 2
            for reply in group
        ]
        known = [-self.weight * error for error in errors if error is not None]
        mean, deviation = (fmean(known), pstdev(known)) if known else (0.0, 0.0)
        return [
            -1.0 if error is None else (-self.weight * error - mean) / (deviation + EPSILON)
            for error in errors
        ]
