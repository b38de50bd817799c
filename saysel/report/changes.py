"""How the rows of a report differ from the first, by a paired test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from saysel.errors import UsageError
from saysel.report.content import IDEAL, Row
from saysel.report.glance import compared, headlines
from saysel.scoring import Difference, Method, compare, label

#: The difference of a row from the first, by the row's name and the score's name.
Changes = Mapping[tuple[str, str], Difference]


def changes(rows: Sequence[Row]) -> Changes:
    """The differences that the large table of one cell and split shows.

    The rows and metrics of that table are one family for Holm's correction. Empty if there is
    nothing to compare, or if the rows share no judged question.
    """
    shown = [row for row in compared(rows) if row.model != IDEAL]
    if len(shown) < 2:
        return {}
    keys = headlines([label(metric) for metric in shown[0].metrics])
    metrics = [metric for metric in shown[0].metrics if label(metric) in keys]
    methods = [Method(row.name, row.predictions, clusters=row.clusters) for row in shown]
    try:
        comparison = compare(methods, metrics, intersect=True)
    except UsageError:
        return {}
    return {(one.method, one.metric): one for one in comparison.differences}
