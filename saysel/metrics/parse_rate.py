"""Share of replies whose confidence could be read."""

from __future__ import annotations

from typing import ClassVar, Literal

from saysel.interfaces import Columns, Metric


class ParseRate(Metric):
    """Share of replies with a confidence that could be read.

    Formula: stated confidences / questions. Range [0, 1], higher is better.

    Source: the usual definition.
    Can't see: whether the confidence means anything.
    Missing confidences: they are what it counts. Not defined (NaN) without questions.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "higher"

    def compute(self, predictions: Columns) -> float:
        return len(predictions.stated()) / len(predictions) if len(predictions) else float("nan")
