"""Before and after: what changed from the first row to the next, and whether that is certain."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass

from saysel.errors import SayselError
from saysel.records import Score
from saysel.report.content import IDEAL, Row
from saysel.scoring.differences import Difference

#: Shown large, in this order, where the recipe has them.
HEADLINES = ("ece", "auroc", "brier", "accuracy")
NAMES = {
    **{"ece": "ECE", "smooth_ece": "Smooth ECE", "mce": "MCE", "nll": "NLL"},
    **{"auroc": "AUROC", "auprc": "AUPRC", "aurc": "AURC", "eaurc": "E-AURC", "augrc": "AUGRC"},
    **{"prr": "PRR", "sayself_mae": "SaySelf's |c − y|"},
}
ARROWS = {"higher": "↑", "lower": "↓", "neither": ""}


@dataclass(frozen=True)
class MetricInfo:
    """What a reader has to know of a metric.

    Attributes:
        key: the score's name.
        name: as shown.
        better: `higher`, `lower` or `neither`.
        meaning: the first line of its docstring.
        counts: whether its values are shown without decimals.
    """

    key: str
    name: str
    better: str
    meaning: str
    counts: bool = False

    @property
    def arrow(self) -> str:
        return ARROWS[self.better]

    @property
    def direction(self) -> str:
        return "describes only" if self.better == "neither" else f"{self.better} is better"


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


def reading(key: str) -> MetricInfo:
    """Name, direction and meaning of a score; a metric that is not installed has no direction."""
    from saysel.registry import find

    base, bracket, options = key.partition("(")
    shown = NAMES.get(base, base.replace("_", " ").capitalize())
    name = f"{shown} ({options}" if bracket else shown
    try:
        found = find("metric", base)
    except SayselError:
        return MetricInfo(key, name, "neither", "")
    meaning = (inspect.getdoc(found) or "").partition("\n")[0]
    better, counts = getattr(found, "better", "neither"), getattr(found, "counts", False)
    return MetricInfo(key, name, better, meaning, counts)


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


def number(value: float, counts: bool = False, sign: bool = False) -> str:
    """Three decimals, or one from ten up, with a true minus sign; counts are whole.

    Args:
        sign: whether a plus sign is written too. What rounds to zero has no sign.
    """
    decimals = 0 if counts else 1 if abs(value) >= 10 else 3
    text = f"{abs(value):.{decimals}f}"
    if float(text) == 0:
        return text
    return ("\u2212" if value < 0 else "+" if sign else "") + text


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
    return Cell(shown(now.value), interval, change.verdict, difference)
