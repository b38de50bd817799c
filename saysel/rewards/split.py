"""A separate reward for each part of a reply."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from pydantic import Field, field_validator

from saysel.interfaces import BatchReward, JudgedReply, RewardFn, SegmentRewards


class SplitReward(BatchReward):
    """Correctness for the answer, a reward of confidences for the confidence, each alone.

    The answer learns from `answer` * y, the rationale from the reward `rationale`, and the
    confidence from the reward `confidence`. Accuracy and calibration are trained together, and
    neither can gain at the cost of the other: no answer pays because its confidence is easy to
    state. In `ppo` with `mask: response` and several `replies` to each question, the answer's
    advantage is the difference of y to the mean of the others (RLOO); with `confidences: expected`
    the confidence follows the exact gradient of its expected reward, and none is sampled.

    A reply without a readable confidence gets the value of `confidence` for it as a whole.
    """

    answer: float = Field(
        1.0, ge=0, description="reward of a correct answer; 0 leaves answers alone"
    )
    rationale: RewardFn | None = Field(
        None, description="reward of the rationale, such as `faithful`; null: none"
    )
    confidence: RewardFn = Field(
        cast(Any, "quadratic"), validate_default=True, description="reward of the confidence"
    )

    @field_validator("rationale")
    @classmethod
    def _sees_the_rationale(cls, reward: RewardFn | None) -> RewardFn | None:
        if reward is None or isinstance(reward, BatchReward):
            return reward
        raise ValueError(f"the reward '{reward.use}' does not see the rationale: choose `faithful`")

    def rewards(self, replies: Sequence[JudgedReply]) -> list[SegmentRewards]:
        rationales = [0.0] * len(replies)
        if isinstance(self.rationale, BatchReward):
            rationales = [parts.rationale for parts in self.rationale.rewards(replies)]
        return [
            SegmentRewards(self.answer * reply.correct, rationale, confidence)
            for reply, rationale, confidence in zip(
                replies, rationales, self._confidences(replies), strict=True
            )
        ]

    def _confidences(self, replies: Sequence[JudgedReply]) -> list[float]:
        if isinstance(self.confidence, BatchReward):
            return [parts.confidence for parts in self.confidence.rewards(replies)]
        return self.confidence.reward(
            [reply.correct for reply in replies], [reply.confidence for reply in replies]
        )

    def confidence_rewards(
        self, replies: Sequence[JudgedReply], choices: Sequence[float | None]
    ) -> list[list[float]]:
        if isinstance(self.confidence, BatchReward):
            return self.confidence.confidence_rewards(replies, choices)
        n = len(choices)
        return [self.confidence.reward([reply.correct] * n, choices) for reply in replies]

    def fresh_samples(self) -> int:
        members = (self.rationale, self.confidence)
        return max(
            (one.fresh_samples() for one in members if isinstance(one, BatchReward)), default=0
        )
