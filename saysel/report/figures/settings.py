"""A metric of all settings of a matrix run: lines over a numeric axis, else one row per value.

With several axes there is one panel for each combination of the others; panels of one metric have
the same scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from saysel.display.numbers import number
from saysel.recipes.matrix import Axis
from saysel.report.figures.svg import Figure, Scale, element, line, scale, text, ticks, tip
from saysel.report.settings import SettingLine, Settings

#: Width of a panel; left edge, top, width and height of a line plot.
WIDTH, LEFT, TOP, ACROSS, DOWN = 360.0, 48.0, 12.0, 296.0, 190.0
#: Left edge, width and height of a row where the axis is not numeric.
NAMES, ROW, PITCH = 118.0, 226.0, 30.0
#: A numeric axis is logarithmic if its largest value is so many times its smallest.
LOGARITHMIC = 20
MAX_NAME = 18


@dataclass(frozen=True)
class Panel:
    """The settings that differ in one axis only.

    Attributes:
        name: the values of the other axes; empty if there are none.
        lines: in the order of the axis.
    """

    name: str
    lines: tuple[SettingLine, ...]


def main_axis(settings: Settings) -> Axis | None:
    """The axis along which settings are drawn: the longest numeric one, or the longest."""
    numeric = [axis for axis in settings.axes if axis.is_numeric]
    return max(numeric or settings.axes, key=lambda axis: len(axis.choices), default=None)


def panels(settings: Settings, axis: Axis) -> list[Panel]:
    """One for each combination of the other axes."""
    groups: dict[str, list[SettingLine]] = {}
    for one in settings.lines:
        others = [f"{name}={c.label}" for name, c in one.choices.items() if name != axis.name]
        groups.setdefault(",".join(others), []).append(one)
    return [Panel(name, tuple(lines)) for name, lines in groups.items()]


def settings_figures(settings: Settings) -> dict[str, list[tuple[str, Figure]]]:
    """The panels of each metric with their names; none if seeds are the only axis."""
    axis = main_axis(settings)
    if axis is None:
        return {}
    drawn = panels(settings, axis)
    return {
        metric: [(panel.name, _panel(panel, axis, metric, settings)) for panel in drawn]
        for metric in settings.metrics
    }


def _panel(panel: Panel, axis: Axis, metric: str, settings: Settings) -> Figure:
    steps = _value_ticks(metric, settings)
    described = "; ".join(
        f"{one.choices[axis.name].label} {number(one.scores[metric].mean or 0)}"
        for one in panel.lines
        if one.scores[metric].mean is not None
    )
    label = f"{metric} by {axis.name}{f', {panel.name}' if panel.name else ''}: {described}"
    ideal = settings.ideal.get(metric)
    draw = _over_numbers if axis.is_numeric else _by_value
    width, height, body = draw(panel, axis, metric, steps, ideal)
    return Figure(label, width, height, body)


def _value_ticks(metric: str, settings: Settings) -> list[float]:
    """Round numbers that span the intervals and seeds of all settings."""
    ends: list[float] = []
    for one in settings.lines:
        score = one.scores[metric]
        ends += [v for v in (score.low, score.high, *score.values.values()) if v is not None]
    if metric in settings.ideal:
        ends.append(settings.ideal[metric])
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    return ticks(low, max(high, low + 0.02), 4)


def _over_numbers(
    panel: Panel, axis: Axis, metric: str, steps: Sequence[float], ideal: float | None
) -> tuple[float, float, str]:
    numbers = {choice.label: choice.number or 0.0 for choice in axis.choices}
    x = _number_scale(list(numbers.values()))
    y = scale(steps[0], steps[-1], TOP + DOWN, TOP)
    body = "".join(
        line(LEFT, y(v), LEFT + ACROSS, y(v), "grid") + text(LEFT - 7, y(v) + 4, f"{v:g}", "end")
        for v in steps
    )
    for label, value in numbers.items():
        body += text(x(value), TOP + DOWN + 17, label)
    body += text(LEFT + ACROSS / 2, TOP + DOWN + 36, axis.name, class_="strong")
    if ideal is not None:
        body += line(LEFT, y(ideal), LEFT + ACROSS, y(ideal), "ideal")
    defined = [one for one in panel.lines if one.scores[metric].mean is not None]
    points = [(numbers[one.choices[axis.name].label], one) for one in defined]
    points.sort(key=lambda point: point[0])
    path = "L".join(f"{x(v):.1f} {y(one.scores[metric].mean or 0):.1f}" for v, one in points)
    marks = "".join(_mark(one, metric, x(v), y, upright=True) for v, one in points)
    curve = element("path", d=f"M{path}", class_="curve") if len(points) > 1 else ""
    return WIDTH, TOP + DOWN + 44, body + element("g", curve, marks, class_="m1")


def _number_scale(values: Sequence[float]) -> Scale:
    low, high = min(values), max(values)
    inset = 16.0
    if low > 0 and high / low >= LOGARITHMIC:
        logarithmic = scale(math.log(low), math.log(high), LEFT + inset, LEFT + ACROSS - inset)
        return lambda value: logarithmic(math.log(value))
    return scale(low, high, LEFT + inset, LEFT + ACROSS - inset)


def _by_value(
    panel: Panel, axis: Axis, metric: str, steps: Sequence[float], ideal: float | None
) -> tuple[float, float, str]:
    x = scale(steps[0], steps[-1], NAMES, NAMES + ROW)
    bottom = TOP + PITCH * len(panel.lines)
    body = "".join(
        line(x(v), TOP, x(v), bottom, "grid") + text(x(v), bottom + 15, f"{v:g}") for v in steps
    )
    if ideal is not None:
        body += line(x(ideal), TOP, x(ideal), bottom, "ideal")
    marks = ""
    for i, one in enumerate(panel.lines):
        middle = TOP + PITCH * (i + 0.5)
        name = one.choices[axis.name].label
        short = name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"
        body += text(NAMES - 8, middle + 4, short, "end", "strong")
        if one.scores[metric].mean is not None:
            marks += _mark(one, metric, middle, x, upright=False)
    return WIDTH, bottom + 22, body + element("g", marks, class_="m1")


def _mark(one: SettingLine, metric: str, across: float, along: Scale, upright: bool) -> str:
    """The mean with its interval, and a small dot for each seed.

    Args:
        across: position on the axis of the settings.
        along: scale of the metric.
        upright: whether the metric is the vertical axis.
    """

    def at(value: float) -> tuple[float, float]:
        return (across, along(value)) if upright else (along(value), across)

    score = one.scores[metric]
    mean = score.mean or 0.0
    words = f"{one.name}: {number(mean)}"
    parts = []
    if score.low is not None and score.high is not None:
        parts.append(line(*at(score.low), *at(score.high), "whisker"))
        words += f" ({number(score.low)} to {number(score.high)})"
    if len(score.values) > 1:
        for value in score.values.values():
            if value is not None:
                cx, cy = at(value)
                parts.append(element("circle", cx=cx, cy=cy, r=2.2, class_="seed"))
    cx, cy = at(mean)
    parts.append(element("circle", cx=cx, cy=cy, r=5.0, class_="dot"))
    return element("g", tip(words), *parts)
