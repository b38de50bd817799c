"""Area under the ROC curve of confidence as a sign of correctness."""

from __future__ import annotations

from typing import ClassVar, Literal

from saysel.interfaces import Columns, Metric


class Auroc(Metric):
    """Chance that a right answer is stated with more confidence than a wrong one.

    Formula: over all pairs of a right (correctness at least 0.5) and a wrong answer, the share
    where the right one has the higher confidence, ties counting half (Mann-Whitney U / pairs).
    Range [0, 1], higher is better; 0.5 is chance.

    Source: Hanley & McNeil 1982, "The meaning and use of the area under a ROC curve".
    Can't see: calibration; any increasing transform of the confidences scores the same.
    Missing confidences: only questions with a stated confidence count, so read it beside the
    parse rate. Not defined (NaN) unless there are right and wrong answers among them.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "higher"

    def compute(self, predictions: Columns) -> float:
        import numpy as np

        stated = predictions.stated()
        right = stated.correct >= 0.5
        levels, level = np.unique(stated.confidence, return_inverse=True)
        rights = np.bincount(level[right], minlength=len(levels))
        wrongs = np.bincount(level[~right], minlength=len(levels))
        pairs = int(rights.sum()) * int(wrongs.sum())
        if not pairs:
            return float("nan")
        # A right answer beats the wrong ones below its level and half of those on it.
        beaten = np.cumsum(wrongs) - wrongs / 2
        return float(rights @ beaten / pairs)
