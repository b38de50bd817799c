"""The large table of a report: a few metrics of the models that are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from saysel.display.numbers import number
from saysel.report.content import IDEAL, Row, score_of
from saysel.scoring import Difference, MetricInfo

#: The metrics of the large table, in this order, if the recipe has them.
HEADLINES = ("ece", "auroc", "brier", "accuracy")


@dataclass(frozen=True)
class Entry:
    """A score in a table, compared with that of the first column.

    Attributes:
        value, interval: as text, empty where not defined.
        outcome: `better`, `worse`, `unclear` (not significant) or empty (nothing to compare with).
        difference: from the first column on the questions that both answered, with its sign.
    """

    value: str
    interval: str
    outcome: str = ""
    difference: str = ""


def headlines(metrics: Sequence[str]) -> list[str]:
    """The scores of the large table: the usual four, or the first four there are."""
    return [key for key in HEADLINES if key in metrics] or list(metrics[:4])


def compared(rows: Sequence[Row]) -> list[Row]:
    """The columns of the large table: all models under the first estimator, the ideal one last.

    If only one model was measured, its estimators are compared.
    """
    measured = [row for row in rows if row.model != IDEAL]
    ideal = [row for row in rows if row.model == IDEAL]
    same = [row for row in measured if row.estimator == measured[0].estimator]
    return (same if len({row.model for row in same}) > 1 else measured) + ideal


def entry(row: Row, info: MetricInfo, change: Difference | None = None) -> Entry:
    """A row's score, and its difference from the first row if the metric has a direction.

    Args:
        change: the paired difference from the first row, see `saysel.report.changes`.
    """
    score = score_of(row, info.key)
    if score is None or score.value is None:
        return Entry("", "")
    value = number(score.value, info.counts)
    interval = ""
    if score.low is not None and score.high is not None:
        interval = f"{number(score.low, info.counts)} – {number(score.high, info.counts)}"
    if change is None or change.difference is None or info.better == "neither":
        return Entry(value, interval)
    difference = number(change.difference, info.counts, sign=True)
    return Entry(value, interval, change.outcome, difference)
