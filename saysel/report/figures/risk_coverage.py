"""Risk-coverage curves of the rows of one cell and split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from saysel.report.content import IDEAL, Row
from saysel.report.figures.curves import risk_coverage
from saysel.report.figures.names import short_name
from saysel.report.figures.svg import (
    Figure,
    Scale,
    element,
    line,
    scale,
    sideways,
    text,
    ticks,
    tip,
)
from saysel.scoring import to_arrays

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Dashes of the estimators, in order of appearance; the ideal observer has its own.
DASHES, IDEAL_DASHES = ("none", "6 4", "2 3", "9 3 2 3"), "1 3"
#: Width of the figure; left edge, top, width and height of the plot; height of a line of the key.
WIDTH, LEFT, TOP, ACROSS, DOWN, KEY_LINE = 520.0, 46.0, 10.0, 462.0, 230.0, 20
#: Most points of a curve.
MAX_POINTS = 250


@dataclass(frozen=True)
class Curve:
    """One row's curve.

    Attributes:
        coverage, risk: [n], see `curves.risk_coverage`.
        dashes: of its stroke.
    """

    row: Row
    coverage: npt.NDArray[np.float64]
    risk: npt.NDArray[np.float64]
    dashes: str


def risk_coverage_curves(rows: Sequence[Row], colour: Mapping[str, str]) -> Figure:
    """The share of wrong answers if only the most confident part is answered; lower is better."""
    curves = _curves(rows)
    # The first few answers of a curve are mostly noise; the scale is made for the rest.
    peaks = [float(curve.risk[len(curve.risk) // 20 :].max()) for curve in curves]
    steps = ticks(0, min(1.0, max([0.05, *peaks])))
    x, y = scale(0, 1, LEFT, LEFT + ACROSS), scale(0, steps[-1], TOP + DOWN, TOP)
    body = _axes(x, y, steps)
    for i, curve in enumerate(curves):
        body += element(
            "g",
            tip(f"{short_name(curve.row)}: {float(curve.risk[-1]):.0%} wrong at full coverage"),
            _path(curve, x, y, steps[-1]),
            _key(curve, i, y(0) + 56),
            class_=colour[curve.row.model],
        )
    height = y(0) + 56 + (len(curves) + 1) // 2 * KEY_LINE - 4
    label = "Risk by coverage of " + ", ".join(short_name(curve.row) for curve in curves)
    return Figure(label, WIDTH, height, body)


def _curves(rows: Sequence[Row]) -> list[Curve]:
    estimators = list(dict.fromkeys(row.estimator for row in rows if row.model != IDEAL))
    curves = []
    for row in rows:
        coverage, risk = risk_coverage(to_arrays(row.predictions))
        dashes = IDEAL_DASHES
        if row.model != IDEAL:
            dashes = DASHES[estimators.index(row.estimator) % len(DASHES)]
        if len(risk):
            curves.append(Curve(row, coverage, risk, dashes))
    return curves


def _axes(x: Scale, y: Scale, steps: Sequence[float]) -> str:
    grid = "".join(
        line(x(0), y(v), x(1), y(v), "grid") + text(LEFT - 7, y(v) + 4, f"{100 * v:g}", "end")
        for v in steps
    )
    return (
        grid
        + "".join(text(x(k / 5), y(0) + 15, str(k * 20)) for k in range(6))
        + text(x(0.5), y(0) + 32, "coverage: answered questions, %, most confident first")
        + sideways(12, y(steps[-1] / 2), "risk: wrong answers, %")
    )


def _path(curve: Curve, x: Scale, y: Scale, top: float) -> str:
    every, last = max(1, len(curve.risk) // MAX_POINTS), len(curve.risk) - 1
    points = [
        f"{x(coverage):.1f} {y(min(risk, top)):.1f}"
        for k, (coverage, risk) in enumerate(zip(curve.coverage, curve.risk, strict=True))
        if k % every == every - 1 or k == last
    ]
    return element("path", d="M" + "L".join(points), class_="curve", stroke_dasharray=curve.dashes)


def _key(curve: Curve, i: int, top: float) -> str:
    """The i-th entry of the key, which has two columns."""
    left, middle = (LEFT, WIDTH / 2 + 20)[i % 2], top + (i // 2) * KEY_LINE
    stroke = element(
        "path", d=f"M{left:g} {middle:g}h26", class_="curve", stroke_dasharray=curve.dashes
    )
    return stroke + text(left + 34, middle + 4, short_name(curve.row), "start", "strong")
