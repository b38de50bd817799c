"""Parses, judges and rewards sampled replies; shared by all trainers that use a reward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from statistics import fmean

from saysel.errors import StageError
from saysel.interfaces import (
    BatchReward,
    Format,
    Judge,
    JudgedReply,
    Parsed,
    RewardFn,
    SegmentRewards,
)
from saysel.records import Question, ReplyCounts
from saysel.replies.counts import ReadReply, count_replies
from saysel.trainers.checked_rewards import excerpt, reward_replies, segment_rewards

#: Training stops after this many batches in a row without a readable reply.
MAX_UNREADABLE_BATCHES = 5
#: The counts that each step records.
COUNTED = ("replies", "no_answer", "no_confidence", "declined", "cut", "empty")


@dataclass(frozen=True)
class JudgedReplies:
    """The replies of a batch that could be judged.

    Attributes:
        rows: their positions in the batch, ascending.
        texts: the replies.
        correct: correctness of each, in [0, 1].
        has_answer: whether an answer could be parsed from each.
        confidences: in [0, 1]; `None` if the confidence or the answer could not be parsed.
        rewards: of each reply; the sum of those of its parts, for a `BatchReward`.
        replies: the replies as a `BatchReward` sees them.
        segments: the rewards of the parts of each reply, for a `BatchReward`; otherwise empty.
        counts: how many of the replies of the whole batch could be read.
    """

    rows: list[int]
    texts: list[str]
    correct: list[float]
    has_answer: list[bool]
    confidences: list[float | None]
    rewards: list[float]
    replies: list[JudgedReply] = field(default_factory=list)
    segments: list[SegmentRewards] = field(default_factory=list)
    counts: ReplyCounts = field(default_factory=ReplyCounts)

    @classmethod
    def joined(cls, parts: Sequence[JudgedReplies]) -> JudgedReplies:
        """The replies of several parts of a batch; `rows` counts within each part."""
        columns = {
            item.name: [value for part in parts for value in getattr(part, item.name)]
            for item in fields(cls)
            if item.name != "counts"
        }
        return cls(**columns, counts=sum((part.counts for part in parts), ReplyCounts()))

    def figures(self) -> dict[str, float]:
        """Means and counts to record.

        `confidence` is the mean over the replies with one, and absent without any. `parse_rate` is
        the share of the replies that state one or decline. The rewards of the parts are
        `reward_answer`, `reward_rationale` and `reward_confidence`. The counts are named as in
        `ReplyCounts`; the manifest sums them over all steps.
        """
        stated = [confidence for confidence in self.confidences if confidence is not None]
        declined = sum(reply.declined for reply in self.replies)
        figures = {
            "reward": fmean(self.rewards),
            "accuracy": fmean(self.correct),
            "parse_rate": (len(stated) + declined) / len(self.confidences),
            **{name: float(getattr(self.counts, name) or 0) for name in COUNTED},
        }
        if self.segments:
            columns = zip(SegmentRewards._fields, zip(*self.segments, strict=True), strict=True)
            figures |= {f"reward_{name}": fmean(rewards) for name, rewards in columns}
        return {**figures, "confidence": fmean(stated)} if stated else figures


def judge_replies(
    *,
    trainer: str,
    questions: Sequence[Question],
    texts: Sequence[str],
    cut: Sequence[bool],
    format: Format,
    judge: Judge,
    reward: RewardFn,
    tokens: Sequence[int] | None = None,
    samples: Sequence[tuple[str | None, ...]] | None = None,
) -> JudgedReplies:
    """Parse, judge and reward replies.

    Args:
        trainer: its name, for messages.
        questions: the question of each reply.
        texts: the replies.
        cut: whether each reply was ended by the limit on its tokens.
        tokens, samples: see `JudgedReply`, for a `BatchReward`.

    Raises:
        StageError: the judge could judge none of them, or the reward is invalid, see
            `checked_rewards`.
    """
    parsed = [format.parse(text, cut=is_cut) for text, is_cut in zip(texts, cut, strict=True)]
    verdicts = judge.judge_answers(
        [(question, part.answer) for question, part in zip(questions, parsed, strict=True)],
        [part.declined for part in parsed],
    )
    replies = [
        JudgedReply(
            question=questions[row],
            text=texts[row],
            answer=parsed[row].answer,
            rationale=parsed[row].rationale,
            # A confidence without an answer refers to nothing, so the reply counts as unreadable.
            confidence=None if parsed[row].answer is None else parsed[row].confidence,
            correct=correct,
            tokens=tokens[row] if tokens is not None else 0,
            samples=samples[row] if samples is not None else (),
            declined=parsed[row].declined,
        )
        for row, correct in enumerate(verdicts)
        if correct is not None
    ]
    if not replies:
        raise StageError(
            f"{trainer}: the judge could not judge any reply of a whole batch: check the judge"
        )
    rewards, segments = _rewarded(trainer, reward, replies)
    return JudgedReplies(
        rows=[row for row, correct in enumerate(verdicts) if correct is not None],
        texts=[reply.text for reply in replies],
        correct=[reply.correct for reply in replies],
        has_answer=[reply.answer is not None for reply in replies],
        confidences=[reply.confidence for reply in replies],
        rewards=rewards,
        replies=replies,
        segments=segments,
        counts=_counts(texts, parsed, cut),
    )


def _counts(texts: Sequence[str], parsed: Sequence[Parsed], cut: Sequence[bool]) -> ReplyCounts:
    """How many of the replies could be read."""
    replies = [
        ReadReply(text, part.answer, part.confidence, is_cut, part.declined)
        for text, part, is_cut in zip(texts, parsed, cut, strict=True)
    ]
    counts = count_replies(replies, states_confidence=True)
    return replace(counts, sampled=0, same_text=0)  # they answer different questions


def _rewarded(
    trainer: str, reward: RewardFn, replies: Sequence[JudgedReply]
) -> tuple[list[float], list[SegmentRewards]]:
    """The reward of each reply, and of its parts if the reward gives them."""
    if isinstance(reward, BatchReward):
        segments = segment_rewards(trainer, reward, replies)
        return [sum(parts) for parts in segments], segments
    correct = [reply.correct for reply in replies]
    confidences = [reply.confidence for reply in replies]
    texts = [reply.text for reply in replies]
    return reward_replies(trainer, reward, correct, confidences, texts), []


class UnreadableBatches:
    """Stops training once no reply can be parsed any more, because it does not recover.

    Attributes:
        in_a_row: batches without a readable reply since the last readable one. A checkpoint of
            such a moment would be useless.
    """

    def __init__(self, trainer: str) -> None:
        """
        Args:
            trainer: its name, for messages.
        """
        self.trainer = trainer
        self.in_a_row = 0

    def check(self, parse_rate: float, texts: Sequence[str]) -> None:
        """Count a batch.

        Args:
            parse_rate: share of its replies that could be parsed.
            texts: the replies.

        Raises:
            StageError: this is the last of `MAX_UNREADABLE_BATCHES` batches in a row without a
                readable reply.
        """
        self.in_a_row = 0 if parse_rate else self.in_a_row + 1
        if self.in_a_row >= MAX_UNREADABLE_BATCHES:
            examples = ", ".join(excerpt(text) for text in texts[:2])
            raise StageError(
                f"{self.trainer}: no reply of the last {self.in_a_row} batches could be parsed, "
                f"for example {examples}: fine-tune the model on the format first (sft), raise "
                "max_tokens if replies are cut, or lower learning_rate; with a changed option, "
                "this phase starts again"
            )


__all__ = ["JudgedReplies", "UnreadableBatches", "judge_replies", "reward_replies"]
