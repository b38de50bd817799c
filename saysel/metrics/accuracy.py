"""Share of right answers."""

from __future__ import annotations

from typing import ClassVar, Literal

from saysel.interfaces import Columns, Metric


class Accuracy(Metric):
    """Share of answers that are right.

    Formula: mean of correctness y over all questions. Range [0, 1], higher is better.

    Source: the usual definition; graded correctness (token F1, say) is averaged as it is.
    Can't see: anything about confidence.
    Missing confidences: every judged question counts, stated confidence or not.
    Not defined (NaN) without questions.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "higher"

    def compute(self, predictions: Columns) -> float:
        return float(predictions.correct.mean()) if len(predictions) else float("nan")
