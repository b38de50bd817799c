"""Calibration of one row: the reliability diagram, and the histogram below it."""

from __future__ import annotations

from saysel.report.content import Row
from saysel.report.figures.curves import BINS, Bin, reliability
from saysel.report.figures.svg import (
    Figure,
    Scale,
    element,
    line,
    scale,
    sideways,
    text,
    tip,
)
from saysel.scoring import to_arrays

#: Left edge, side and width of the plots; both figures share their x axis.
LEFT, SIDE, WIDTH = 40.0, 244.0, 296.0
#: Top of the reliability diagram; top and height of the bars in the histogram.
TOP, BARS_TOP, BARS_HEIGHT = 20.0, 8.0, 76.0
#: Radius of the dot for the bin with the most answers, and of the smallest dot.
MAX_RADIUS, MIN_RADIUS = 11.0, 2.5


def reliability_diagram(row: Row, colour: str) -> Figure:
    """The share of correct answers per bin of stated confidence; on the diagonal if calibrated.

    Dots are at the mean confidence of their bin, their area is proportional to the number of
    answers, and whiskers are 95 % intervals. The number of answers is above each bin.
    """
    x, y = scale(0, 1, LEFT, LEFT + SIDE), scale(0, 1, TOP + SIDE, TOP)
    bins = reliability(to_arrays(row.predictions, row.clusters))
    largest = max((bin.n for bin in bins), default=1)
    dots = "".join(_dot(bin, largest, x, y) for bin in bins)
    counts = "".join(
        text(x((bin.start + bin.end) / 2), TOP - 6, brief_count(bin.n), class_="small")
        for bin in bins
    )
    if bins:
        plot = counts + element("g", dots, class_=colour)
    else:
        plot = text(x(0.5), y(0.5), "no confidence stated")
    described = "; ".join(
        f"{bin.confidence:.0%} stated, {bin.accuracy:.0%} correct, n {bin.n}" for bin in bins
    )
    label = f"Reliability of {row.name}: {described}"
    return Figure(label, WIDTH, TOP + SIDE + 38, _frame(x, y) + plot)


def _frame(x: Scale, y: Scale) -> str:
    """Grid, axes and diagonal."""
    grid = "".join(
        line(x(0), y(k / 5), x(1), y(k / 5), "grid")
        + text(LEFT - 7, y(k / 5) + 4, str(k * 20), "end")
        for k in range(6)
    )
    return (
        grid
        + element("rect", x=LEFT, y=TOP, width=SIDE, height=SIDE, class_="frame")
        + line(x(0), y(0), x(1), y(1), "ideal")
        + _percent_axis(y(0))
        + text(x(0.5), y(0) + 31, "stated confidence, %")
        + sideways(11, y(0.5), "correct, %")
    )


def _percent_axis(y: float) -> str:
    x = scale(0, 1, LEFT, LEFT + SIDE)
    return "".join(text(x(k / 5), y + 14, str(k * 20)) for k in range(6))


def _dot(bin: Bin, largest: int, x: Scale, y: Scale) -> str:
    words = (
        f"confidence {bin.start:.0%} to {bin.end:.0%}: {bin.n} answers, mean confidence "
        f"{bin.confidence:.0%}, {bin.accuracy:.0%} correct "
        f"(95 % interval {bin.low:.0%} to {bin.high:.0%})"
    )
    radius = max(MIN_RADIUS, MAX_RADIUS * (bin.n / largest) ** 0.5)
    middle = x(bin.confidence)
    return element(
        "g",
        tip(words),
        line(middle, y(bin.low), middle, y(bin.high), "whisker"),
        element("circle", cx=middle, cy=y(bin.accuracy), r=radius, class_="dot"),
    )


def histogram(row: Row) -> Figure:
    """How often each confidence is stated: correct answers below, wrong ones on top."""
    bins = reliability(to_arrays(row.predictions))
    largest = max((bin.n for bin in bins), default=1)
    x = scale(0, 1, LEFT, LEFT + SIDE)
    y = scale(0, largest, BARS_TOP + BARS_HEIGHT, BARS_TOP)
    body = line(x(0), y(0), x(1), y(0), "grid") + line(x(0), y(largest), x(1), y(largest), "grid")
    body += text(LEFT - 7, y(0) + 4, "0", "end")
    body += text(LEFT - 7, y(largest) + 4, brief_count(largest) if bins else "", "end")
    body += "".join(_bar(bin, x, y) for bin in bins) + _percent_axis(y(0))
    described = "; ".join(
        f"{bin.start:.0%} to {bin.end:.0%} {bin.right:g} of {bin.n} correct" for bin in bins
    )
    label = f"Confidences of {row.name}: {described}"
    return Figure(label, WIDTH, BARS_TOP + BARS_HEIGHT + 20, body)


def _bar(bin: Bin, x: Scale, y: Scale) -> str:
    parts = (("wrong", bin.right, float(bin.n)), ("right", 0.0, bin.right))
    words = (
        f"confidence {bin.start:.0%} to {bin.end:.0%}: {bin.right:g} correct, "
        f"{bin.n - bin.right:g} wrong"
    )
    left, width = x(bin.start) + 1.5, SIDE / BINS - 3
    return element(
        "g",
        tip(words),
        *(
            element("rect", x=left, y=y(end), width=width, height=y(start) - y(end), class_=kind)
            for kind, start, end in parts
            if end > start
        ),
    )


def brief_count(n: int) -> str:
    """A number that fits above a bin: `999`, `1.2k`, `350k`, `1.2M`."""
    if n < 1_000:
        return str(n)
    unit, letter = (1_000, "k") if n < 999_500 else (1_000_000, "M")
    return f"{n / unit:.1f}{letter}" if n < 9.95 * unit else f"{n / unit:.0f}{letter}"
