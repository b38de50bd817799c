"""A comparison with one difference of every outcome."""

from __future__ import annotations

from saysel.scoring import Comparison, Difference

BETTER = Difference("new", "brier", "lower", 0.3, 0.2, -0.1, -0.15, -0.05, 1.0, 0.001, 0.002)
WORSE = Difference("new", "auroc", "higher", 0.8, 0.7, -0.1, -0.15, -0.05, 0.0, 0.0001, 0.0004)
UNSURE = Difference("new", "nll", "lower", 0.5, 0.51, 0.01, -0.1, 0.12, 0.4, 0.8, 0.8)
COUNT = Difference("new", "distinct_confidences", "neither", 3.0, 11.0, 8.0, 8.0, 8.0, None, None)
EMPTY = Difference("other", "auroc", "higher", None, 0.5, None, None, None, None, None)
ALL = Comparison(
    "old",
    90,
    10,
    {"old": 120, "new": 100, "other": 100},
    {"old": 0, "new": 0, "other": 0},
    None,
    10_000,
    (BETTER, WORSE, UNSURE, COUNT, EMPTY),
)
