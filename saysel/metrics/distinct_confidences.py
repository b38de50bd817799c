"""How many different confidences are used."""

from __future__ import annotations

from typing import ClassVar, Literal

from saysel.interfaces import Columns, Metric


class DistinctConfidences(Metric):
    """Number of different confidences stated.

    Formula: size of the set of stated confidences, compared to nine decimals. Range 0 to n;
    neither direction is good in itself, but 1 means that the confidence says nothing about
    the single answer, however small the ECE.

    Source: the usual check against a constant forecaster.
    Can't see: how often each value is used. A resample holds at most the values of the whole,
    so the bootstrap interval lies at or below the value.
    Missing confidences: only stated confidences count; 0 without any.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "neither"

    def compute(self, predictions: Columns) -> float:
        import numpy as np

        return float(len(np.unique(predictions.stated().confidence.round(9))))
