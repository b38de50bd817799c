"""One metric of several rows: values with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from saysel.display.numbers import number
from saysel.records import Score
from saysel.report.content import IDEAL, Row, score_of
from saysel.report.figures.names import short_name
from saysel.report.figures.svg import Figure, Scale, element, line, scale, text, ticks
from saysel.scoring import metric_info

#: Width of the figure; top and right edge of the plot; height of a row.
WIDTH, TOP, RIGHT, PITCH = 480.0, 6.0, 420.0, 24.0
#: Space for a character of a name, in the larger type of narrow screens, and next to the name.
CHARACTER, GAP = 7.5, 10.0
#: Least span of the axis.
MIN_SPAN = 0.02


def summary(metric: str, rows: Sequence[Row], colour: Mapping[str, str]) -> Figure:
    """All rows below each other: value and 95 % interval, and a line at the ideal observer's."""
    scored = [
        (row, score)
        for row in rows
        if (score := score_of(row, metric)) is not None and score.value is not None
    ]
    steps = _ticks([score for _, score in scored])
    left = GAP + CHARACTER * max((len(short_name(row)) for row, _ in scored), default=0)
    x = scale(steps[0], steps[-1], left, RIGHT)
    bottom = TOP + PITCH * len(scored)
    body = "".join(
        line(x(v), TOP, x(v), bottom, "grid") + text(x(v), bottom + 14, f"{v:g}") for v in steps
    )
    for row, score in scored:
        if row.model == IDEAL:
            body += line(x(score.value or 0), TOP, x(score.value or 0), bottom, "ideal")
    counts = metric_info(metric).counts
    for i, (row, score) in enumerate(scored):
        middle = TOP + PITCH * (i + 0.5)
        body += text(left - GAP, middle + 4, short_name(row), "end", "strong")
        body += _mark(score, x, middle, colour[row.model])
        body += text(WIDTH, middle + 4, number(score.value or 0.0, counts), "end", "strong")
    described = "; ".join(f"{short_name(row)} {score.value:.3f}" for row, score in scored)
    return Figure(f"{metric}: {described}", WIDTH, bottom + 20, body)


def _ticks(scores: Sequence[Score]) -> list[float]:
    """Round numbers that span all values and intervals; from 0 if that costs little room."""
    ends = [v for s in scores for v in (s.value, s.low, s.high) if v is not None]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    high = max(high, MIN_SPAN)
    low = min(low, high - MIN_SPAN)
    return ticks(0.0 if 0 <= low < 0.5 * high else low, high, 3)


def _mark(score: Score, x: Scale, middle: float, colour: str) -> str:
    whisker = ""
    if score.low is not None and score.high is not None:
        whisker = line(x(score.low), middle, x(score.high), middle, "whisker")
    dot = element("circle", cx=x(score.value or 0.0), cy=middle, r=5.0, class_="dot")
    return element("g", whisker, dot, class_=colour)
