"""What replies state and earn: read, judged and rewarded alike by all trainers that learn so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from statistics import fmean
from typing import Any

from saysel.errors import StageError
from saysel.interfaces import Format, Judge, RewardFn
from saysel.records import Question

#: Batches in a row in which nothing may be readable.
MAX_UNREADABLE = 5
#: Characters of a reply that a message shows.
EXCERPT = 200


@dataclass(frozen=True)
class Earned:
    """The replies of a batch that could be judged.

    Attributes:
        rows: which they are, ascending.
        texts: the replies.
        correct: their correctness, in [0, 1].
        answered: whether their answer can be read.
        stated: their confidence; `None` where it, or the answer, cannot be read.
        rewards: what each earned.
    """

    rows: list[int]
    texts: list[str]
    correct: list[float]
    answered: list[bool]
    stated: list[float | None]
    rewards: list[float]

    def figures(self) -> dict[str, float]:
        """Means for the record; `confidence` over those that state one, if any does."""
        known = [confidence for confidence in self.stated if confidence is not None]
        figures = {
            "reward": fmean(self.rewards),
            "accuracy": fmean(self.correct),
            "parse_rate": len(known) / len(self.stated),
        }
        return {**figures, "confidence": fmean(known)} if known else figures


def earned(
    who: str,
    questions: Sequence[Question],
    texts: Sequence[str],
    cut: Sequence[bool],
    format: Format,
    judge: Judge,
    reward: RewardFn,
) -> Earned:
    """Read, judge and reward replies.

    Args:
        who: the trainer's name, for messages.
        questions: of each reply.
        texts: the replies.
        cut: whether the limit on tokens ended each.

    Raises:
        StageError: the judge could judge none of them, or the reward is wrong, see
            `reward_replies`.
    """
    parsed = [format.parse(text, cut=ended) for text, ended in zip(texts, cut, strict=True)]
    verdicts = judge.judge(
        [(question, part.answer or "") for question, part in zip(questions, parsed, strict=True)]
    )
    rows = [row for row, correct in enumerate(verdicts) if correct is not None]
    if not rows:
        raise StageError(
            f"{who}: the judge could judge no reply of a whole batch: see to the judge"
        )
    correct = [verdict for verdict in verdicts if verdict is not None]
    # Without an answer there is nothing to be sure of: the reply counts as unreadable.
    stated = [None if parsed[row].answer is None else parsed[row].confidence for row in rows]
    texts = [texts[row] for row in rows]
    answered = [parsed[row].answer is not None for row in rows]
    rewards = reward_replies(who, reward, correct, stated, texts)
    return Earned(rows, texts, correct, answered, stated, rewards)


def reward_replies(
    who: str,
    reward: RewardFn,
    correct: Sequence[float],
    stated: Sequence[float | None],
    texts: Sequence[str],
) -> list[float]:
    """The rewards of replies, seen to be finite numbers, one for each.

    Args:
        who: the trainer's name, for messages.
        correct, stated: correctness and confidence of each reply.
        texts: the replies, for messages.

    Raises:
        StageError: the reward returned something else.
    """
    name = f"{who}: the reward '{reward.use or type(reward).__name__}'"
    returned: Any = reward.reward(correct, stated)
    values = returned.tolist() if hasattr(returned, "tolist") else returned  # arrays
    if not isinstance(values, list | tuple):
        raise StageError(
            f"{name} returned {type(returned).__name__} where a list of {len(texts)} numbers was "
            "expected: correct its method reward"
        )
    if len(values) != len(texts):
        raise StageError(
            f"{name} returned {len(values)} rewards for {len(texts)} replies: correct its method "
            "reward"
        )
    for value, correctness, confidence, text in zip(values, correct, stated, texts, strict=True):
        if not isinstance(value, Real) or not math.isfinite(value):
            raise StageError(
                f"{name} returned {value!r} for correctness {correctness:g} and confidence "
                f"{confidence}, where a finite number was expected (the reply: {excerpt(text)}): "
                "correct its method reward"
            )
    return [float(value) for value in values]


class UnreadableBatches:
    """Stops training where no reply can be read any more, from which it does not recover."""

    def __init__(self, who: str) -> None:
        """
        Args:
            who: the trainer's name, for messages.
        """
        self.who = who
        self._in_a_row = 0

    def check(self, parse_rate: float, texts: Sequence[str]) -> None:
        """Count a batch.

        Args:
            parse_rate: share of its replies that could be read.
            texts: the replies.

        Raises:
            StageError: it is the last of `MAX_UNREADABLE` in a row without a readable reply.
        """
        self._in_a_row = 0 if parse_rate else self._in_a_row + 1
        if self._in_a_row >= MAX_UNREADABLE:
            examples = ", ".join(excerpt(text) for text in texts[:2])
            raise StageError(
                f"{self.who}: no reply of the last {self._in_a_row} batches could be read, for "
                f"example {examples}: fine-tune the model on the format first (sft), raise "
                "max_tokens where replies are cut, or lower learning_rate"
            )


def excerpt(text: str) -> str:
    """The beginning of a reply on one line, quoted; control characters are escaped."""
    return repr(text if len(text) <= EXCERPT else text[:EXCERPT] + "…")
