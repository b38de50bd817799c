"""What replies state and earn: read, judged and rewarded alike by all trainers that learn so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from saysel.errors import StageError
from saysel.interfaces import Format, Judge, RewardFn
from saysel.records import Question


@dataclass(frozen=True)
class Earned:
    """The replies of a batch that could be judged.

    Attributes:
        rows: which they are, ascending.
        correct: their correctness, in [0, 1].
        stated: their confidence; `None` where it, or the answer, cannot be read.
        rewards: what each earned.
    """

    rows: list[int]
    correct: list[float]
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
        StageError: the judge could judge none of them.
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
    return Earned(rows, correct, stated, reward.reward(correct, stated))
