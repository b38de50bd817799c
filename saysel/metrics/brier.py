"""The Brier score."""

from __future__ import annotations

from typing import ClassVar, Literal

from saysel.interfaces import Columns, Metric


class Brier(Metric):
    """Mean squared distance between confidence and correctness.

    Formula: mean (c - y)^2 over confidence c and correctness y. Range [0, 1], lower is better;
    always saying 0.5 scores 0.25. A proper score: honest confidence minimises its expectation.

    Source: Brier 1950, "Verification of forecasts expressed in terms of probability".
    Can't see: whether a loss comes from bad calibration or from answers that are hard to tell
    apart; read it beside ECE and AUROC.
    Missing confidences: only questions with a stated confidence count, so read it beside the
    parse rate. Not defined (NaN) without any.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "lower"

    def compute(self, predictions: Columns) -> float:
        stated = predictions.stated()
        if not len(stated):
            return float("nan")
        return float(((stated.confidence - stated.correct) ** 2).mean())
