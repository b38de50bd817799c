"""Parses, judges and rewards sampled replies; shared by all trainers that use a reward."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from numbers import Real
from statistics import fmean
from typing import Any

from saysel.errors import StageError
from saysel.interfaces import Format, Judge, RewardFn
from saysel.records import Question, ReplyCounts
from saysel.replies.counts import ReadReply, count_replies

#: Training stops after this many batches in a row without a readable reply.
MAX_UNREADABLE_BATCHES = 5
#: The counts that each step records.
COUNTED = ("replies", "no_answer", "no_confidence", "cut", "empty")
#: Maximum number of characters of a reply in a message.
MAX_EXCERPT_CHARACTERS = 200


@dataclass(frozen=True)
class JudgedReplies:
    """The replies of a batch that could be judged.

    Attributes:
        rows: their positions in the batch, ascending.
        texts: the replies.
        correct: correctness of each, in [0, 1].
        has_answer: whether an answer could be parsed from each.
        confidences: in [0, 1]; `None` if the confidence or the answer could not be parsed.
        rewards: of each reply.
        counts: how many of the replies of the whole batch could be read.
    """

    rows: list[int]
    texts: list[str]
    correct: list[float]
    has_answer: list[bool]
    confidences: list[float | None]
    rewards: list[float]
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

        `confidence` is the mean over the replies with one, and absent without any. The counts are
        named as in `ReplyCounts`; the manifest sums them over all steps.
        """
        stated = [confidence for confidence in self.confidences if confidence is not None]
        figures = {
            "reward": fmean(self.rewards),
            "accuracy": fmean(self.correct),
            "parse_rate": len(stated) / len(self.confidences),
            **{name: float(getattr(self.counts, name) or 0) for name in COUNTED},
        }
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
) -> JudgedReplies:
    """Parse, judge and reward replies.

    Args:
        trainer: its name, for messages.
        questions: the question of each reply.
        texts: the replies.
        cut: whether each reply was ended by the limit on its tokens.

    Raises:
        StageError: the judge could judge none of them, or the reward is invalid, see
            `reward_replies`.
    """
    parsed = [format.parse(text, cut=is_cut) for text, is_cut in zip(texts, cut, strict=True)]
    verdicts = judge.judge_answers(
        [(question, part.answer) for question, part in zip(questions, parsed, strict=True)],
        [part.declined for part in parsed],
    )
    rows = [row for row, correct in enumerate(verdicts) if correct is not None]
    if not rows:
        raise StageError(
            f"{trainer}: the judge could not judge any reply of a whole batch: check the judge"
        )
    correct = [verdict for verdict in verdicts if verdict is not None]
    # A confidence without an answer refers to nothing, so the reply counts as unreadable.
    confidences = [None if parsed[row].answer is None else parsed[row].confidence for row in rows]
    judged_texts = [texts[row] for row in rows]
    has_answer = [parsed[row].answer is not None for row in rows]
    rewards = reward_replies(trainer, reward, correct, confidences, judged_texts)
    counts = count_replies(
        [
            ReadReply(text, part.answer, part.confidence, is_cut, part.declined)
            for text, part, is_cut in zip(texts, parsed, cut, strict=True)
        ],
        states_confidence=True,
    )
    counts = replace(counts, sampled=0, same_text=0)  # they answer different questions
    return JudgedReplies(rows, judged_texts, correct, has_answer, confidences, rewards, counts)


def reward_replies(
    trainer: str,
    reward: RewardFn,
    correct: Sequence[float],
    confidences: Sequence[float | None],
    texts: Sequence[str],
) -> list[float]:
    """The rewards of replies, checked to be one finite number for each.

    Args:
        trainer: its name, for messages.
        correct, confidences: of each reply.
        texts: the replies, for messages.

    Raises:
        StageError: the reward returned something else.
    """
    name = f"{trainer}: the reward '{reward.use or type(reward).__name__}'"
    returned: Any = reward.reward(correct, confidences)
    values = returned.tolist() if hasattr(returned, "tolist") else returned  # arrays, tensors
    if not isinstance(values, list | tuple):
        raise StageError(
            f"{name} returned {type(returned).__name__} instead of a list of {len(texts)} "
            "numbers: correct its method reward"
        )
    if len(values) != len(texts):
        raise StageError(
            f"{name} returned {len(values)} rewards for {len(texts)} replies: correct its method "
            "reward"
        )
    for value, correctness, confidence, text in zip(
        values, correct, confidences, texts, strict=True
    ):
        if not isinstance(value, Real) or not math.isfinite(value):
            raise StageError(
                f"{name} returned {value!r} instead of a finite number, for correctness "
                f"{correctness:g} and confidence {confidence} (the reply: {excerpt(text)}): "
                "correct its method reward"
            )
    return [float(value) for value in values]


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


def excerpt(text: str) -> str:
    """The beginning of a reply on one line, quoted, with control characters escaped."""
    short = text if len(text) <= MAX_EXCERPT_CHARACTERS else text[:MAX_EXCERPT_CHARACTERS] + "…"
    return repr(short)


__all__ = ["JudgedReplies", "UnreadableBatches", "judge_replies", "reward_replies"]
