"""The differences of one method from the reference, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.report.figures.svg import Figure, Scale, element, line, scale, text, ticks, tip
from saysel.scoring import Difference
from saysel.scoring.comparison_table import row

#: Width of the figure; left edge, top and width of the plot; height of a row.
WIDTH, LEFT, TOP, ACROSS, PITCH = 640.0, 170.0, 8.0, 440.0, 22.0


def forest(name: str, differences: Sequence[Difference]) -> Figure:
    """Differences with their intervals, signs turned so that better is on the right.

    Only metrics that have a direction and values of at most about 1: tokens would dwarf them.
    """
    signed = [
        (difference, -1 if difference.better == "lower" else 1)
        for difference in differences
        if difference.p is not None and difference.metric != "tokens"
    ]
    ends = [sign * end for one, sign in signed for end in (one.low or 0, one.high or 0)]
    steps = ticks(min([0.0, *ends]), max([0.01, *ends]), 5)
    x = scale(steps[0], steps[-1], LEFT, LEFT + ACROSS)
    bottom = TOP + PITCH * len(signed)
    body = "".join(
        line(x(v), TOP, x(v), bottom, "grid") + text(x(v), bottom + 14, f"{v:+g}" if v else "0")
        for v in steps
    )
    body += line(x(0), TOP, x(0), bottom, "ideal")
    for i, (difference, sign) in enumerate(signed):
        body += _row(difference, sign, x, TOP + PITCH * (i + 0.5))
    body += text(x(0) + 6, bottom + 32, "better →", "start")
    body += text(x(0) - 6, bottom + 32, "← worse", "end")
    return Figure(f"Differences of {name} with 95 % intervals", WIDTH, bottom + 40, body)


def _row(difference: Difference, sign: int, x: Scale, middle: float) -> str:
    ends = (difference.difference, difference.low, difference.high)
    value, low, high = (sign * (end or 0) for end in ends)
    mark = element(
        "g",
        tip(", ".join(row(difference))),
        line(x(low), middle, x(high), middle, "whisker"),
        element("circle", cx=x(value), cy=middle, r=4.5, class_="dot"),
        class_="m0",
    )
    return text(LEFT - 10, middle + 4, difference.metric, "end", "strong") + mark
