"""How a figure of training develops, step by step."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.report.content import Training
from saysel.report.figures.svg import Figure, element, line, scale, text, ticks, tip

#: Width and height of the figure; left edge, top, width and height of the plot.
WIDTH, HEIGHT, LEFT, TOP, ACROSS, DOWN = 260.0, 150.0, 44.0, 10.0, 206.0, 110.0
#: Figures between 0 and 1, drawn at that scale.
SHARES = ("accuracy", "parse_rate", "confidence")
#: Most points of a curve.
MAX_POINTS = 400


def training_figures(trainings: Sequence[Training]) -> dict[str, Figure]:
    """Every curve, by file name without suffix, see `training_slug`."""
    return {
        training_slug(training, name): training_curve(training, name, points)
        for training in trainings
        for name, points in training.curves.items()
    }


def training_slug(training: Training, name: str) -> str:
    return f"training-{training.stage.removeprefix('train-')}-{name}"


def training_curve(training: Training, name: str, points: Sequence[tuple[float, float]]) -> Figure:
    """One figure of one training stage by step."""
    values = [value for _, value in points]
    low, high = (0.0, 1.0) if name in SHARES else (min(values), max(values))
    if low == high:
        low, high = low - 0.5, high + 0.5
    steps = ticks(low, high, 3)
    marks = ticks(0, points[-1][0], 3)
    x = scale(0, marks[-1], LEFT, LEFT + ACROSS)
    y = scale(steps[0], steps[-1], TOP + DOWN, TOP)
    grid = "".join(
        line(x(0), y(v), x(marks[-1]), y(v), "grid") + text(LEFT - 7, y(v) + 4, f"{v:g}", "end")
        for v in steps
    )
    below = "".join(text(x(mark), TOP + DOWN + 16, f"{mark:g}") for mark in marks)
    every = -(-len(points) // MAX_POINTS)
    kept = [*points[:-1:every], points[-1]]
    path = "M" + "L".join(f"{x(step):.1f} {y(value):.1f}" for step, value in kept)
    last = f"{name} of {training.stage}: {values[0]:.3g} at first, {values[-1]:.3g} at the end"
    curve = element("g", tip(last), element("path", d=path, class_="curve"), class_="m1")
    return Figure(last, WIDTH, HEIGHT, grid + below + curve)
