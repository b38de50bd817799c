"""Before and after: what changed from the first row to the next, and whether that is certain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from saysel.display.numbers import number
from saysel.records import Score
from saysel.report.content import IDEAL, Row
from saysel.scoring import Difference, MetricInfo

#: Shown large, in this order, where the recipe has them.
HEADLINES = ("ece", "auroc", "brier", "accuracy")


@dataclass(frozen=True)
class Cell:
    """A value beside the first step's.

    Attributes:
        value, interval: as text, empty where not defined.
        change: `better`, `worse`, `unclear` (no certain difference) or empty (nothing to compare).
        difference: from the first step on the questions that both are measured on, signed.
    """

    value: str
    interval: str
    change: str = ""
    difference: str = ""


def headlines(metrics: Sequence[str]) -> list[str]:
    """The scores to show large: the usual four, or the first four there are."""
    return [key for key in HEADLINES if key in metrics] or list(metrics[:4])


def steps(rows: Sequence[Row]) -> list[Row]:
    """The rows of the large table: every model asked in the first row's way, then the limit.

    Where only one model was measured, the ways of asking it are what there is to compare.
    """
    measured = [row for row in rows if row.model != IDEAL]
    limit = [row for row in rows if row.model == IDEAL]
    same = [row for row in measured if row.estimator == measured[0].estimator]
    return (same if len({row.model for row in same}) > 1 else measured) + limit


def score(row: Row, key: str) -> Score | None:
    return next((s for s in row.scores if s.metric == key), None)


def cell(row: Row, reading: MetricInfo, change: Difference | None = None) -> Cell:
    """A row's score, and how it moved from the first row's where a direction is good.

    Args:
        change: the paired difference from the first row, see `saysel.report.changes`.
    """
    now = score(row, reading.key)
    if now is None or now.value is None:
        return Cell("", "")

    def shown(value: float) -> str:
        return number(value, reading.counts)

    interval = ""
    if now.low is not None and now.high is not None:
        interval = f"{shown(now.low)} – {shown(now.high)}"
    if change is None or change.difference is None or reading.better == "neither":
        return Cell(shown(now.value), interval)
    difference = number(change.difference, reading.counts, sign=True)
    return Cell(shown(now.value), interval, change.outcome, difference)
