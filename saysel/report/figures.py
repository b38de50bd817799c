"""The report's figures: reliability, histogram, risk-coverage, before and after."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256

from saysel.display.numbers import number
from saysel.records import Score
from saysel.report.content import IDEAL, Row
from saysel.report.curves import BINS, reliability, risk_coverage
from saysel.report.svg import Figure, element, line, scale, text, ticks, tip
from saysel.scoring import metric_info, to_arrays

#: Curves of the estimators, in order of appearance; the ideal observer's has its own.
DASHES = ("none", "6 4", "2 3", "9 3 2 3")


def colours(rows: Sequence[Row]) -> dict[str, str]:
    """A style class for each model: the same colour wherever the model shows."""
    models = dict.fromkeys(row.model for row in rows if row.model != IDEAL)
    return {model: f"m{i % 6}" for i, model in enumerate(models)} | {IDEAL: "limit"}


def shown(row: Row) -> str:
    """The row's name within its cell, short enough for its place in a figure."""
    name = "ideal (the limit)" if row.model == IDEAL else f"{row.model} · {row.estimator}"
    return name if len(name) <= 28 else name[:27] + "…"


def slugs(rows: Sequence[Row]) -> list[str]:
    """A file name for each row, unique."""
    names: list[str] = []
    for row in rows:
        name = _slug(row.cell, row.split, row.model, row.estimator)
        names.append(name if name not in names else f"{name}-{len(names)}")
    return names


def groups(rows: Sequence[Row]) -> dict[tuple[str, str], list[int]]:
    """Indices of the rows that are compared with each other: those of one cell and split."""
    found: dict[tuple[str, str], list[int]] = {}
    for i, row in enumerate(rows):
        found.setdefault((row.cell, row.split), []).append(i)
    return found


def group_slug(cell: str, split: str) -> str:
    return _slug(cell, split)


def metric_slug(metric: str) -> str:
    return _slug(metric)


def _slug(*words: str) -> str:
    """A file name; one that had to be changed to be one ends in a digest, so that it is unique."""
    name = "-".join(word for word in words if word)
    safe = re.sub(r"[^A-Za-z0-9_.=]+", "-", name)[:80].strip("-")
    digest = sha256(name.encode(errors="replace")).hexdigest()
    return safe if safe == name else f"{safe}-{digest[:8]}"


def figures(rows: Sequence[Row]) -> dict[str, Figure]:
    """Every figure of the report, by file name without ending."""
    colour = colours(rows)
    drawn: dict[str, Figure] = {}
    for row, slug in zip(rows, slugs(rows), strict=True):
        drawn[f"reliability-{slug}"] = reliability_diagram(row, colour[row.model])
        drawn[f"histogram-{slug}"] = histogram(row)
    for (cell, split), indices in groups(rows).items():
        members = [rows[i] for i in indices]
        slug = group_slug(cell, split)
        drawn[f"risk-coverage-{slug}"] = risk_coverage_curves(members, colour)
        for metric in dict.fromkeys(s.metric for row in members for s in row.scores):
            drawn[f"summary-{slug}-{metric_slug(metric)}"] = summary(metric, members, colour)
    return drawn


# Room around the square plots: the reliability diagram and the histogram share their x axis.
LEFT, SIDE, WIDTH = 40.0, 244.0, 296.0


def _percent_axis(y: float, words: str | None) -> str:
    x = scale(0, 1, LEFT, LEFT + SIDE)
    labels = "".join(text(x(k / 5), y + 14, str(k * 20)) for k in range(6))
    return labels + (text(x(0.5), y + 31, words) if words else "")


def reliability_diagram(row: Row, colour: str) -> Figure:
    """Per bin of stated confidence, the share of right answers: on the diagonal if calibrated.

    Dots lie at the bin's mean confidence, their area grows with the number of answers, the
    whiskers are Wilson 95 % intervals; the number of answers stands above each bin.
    """
    top = 20.0
    x, y = scale(0, 1, LEFT, LEFT + SIDE), scale(0, 1, top + SIDE, top)
    bins = reliability(to_arrays(row.predictions))
    body = "".join(
        line(x(0), y(k / 5), x(1), y(k / 5), "grid")
        + text(LEFT - 7, y(k / 5) + 4, str(k * 20), "end")
        for k in range(6)
    )
    body += element("rect", x=LEFT, y=top, width=SIDE, height=SIDE, class_="frame")
    body += line(x(0), y(0), x(1), y(1), "ideal") + _percent_axis(y(0), "stated confidence, %")
    body += _sideways(11, y(0.5), "right, %")
    marks = ""
    most = max((b.n for b in bins), default=1)
    for b in bins:
        low, high = b.interval()
        place = x(b.confidence)
        words = (
            f"confidence {b.start:.0%} to {b.end:.0%}: {b.n} answers, mean confidence "
            f"{b.confidence:.0%}, {b.accuracy:.0%} right (95 % interval {low:.0%} to {high:.0%})"
        )
        radius = max(2.5, 11 * (b.n / most) ** 0.5)
        marks += element(
            "g",
            tip(words),
            line(place, y(low), place, y(high), "whisker"),
            element("circle", cx=place, cy=y(b.accuracy), r=radius, class_="dot"),
        )
        body += text(x((b.start + b.end) / 2), top - 6, brief_count(b.n), class_="small")
    body += (
        element("g", marks, class_=colour)
        if marks
        else text(x(0.5), y(0.5), "no confidence stated")
    )
    described = "; ".join(
        f"{b.confidence:.0%} stated, {b.accuracy:.0%} right, n {b.n}" for b in bins
    )
    return Figure(f"Reliability of {row.name}: {described}", WIDTH, top + SIDE + 38, body)


def brief_count(n: int) -> str:
    """A number in the room above a bin: `999`, `1.2k`, `350k`, `1.2M`."""
    if n < 1_000:
        return str(n)
    unit, letter = (1_000, "k") if n < 999_500 else (1_000_000, "M")
    return f"{n / unit:.1f}{letter}" if n < 9.95 * unit else f"{n / unit:.0f}{letter}"


def _sideways(x: float, y: float, words: str) -> str:
    return element(
        "text", words, x=x, y=y, text_anchor="middle", transform=f"rotate(-90 {x:g} {y:g})"
    )


def histogram(row: Row) -> Figure:
    """How often each confidence is stated, right answers below, wrong ones on top."""
    top, high = 8.0, 76.0
    bins = reliability(to_arrays(row.predictions))
    most = max((b.n for b in bins), default=1)
    x, y = scale(0, 1, LEFT, LEFT + SIDE), scale(0, most, top + high, top)
    body = line(x(0), y(0), x(1), y(0), "grid") + line(x(0), y(most), x(1), y(most), "grid")
    body += text(LEFT - 7, y(0) + 4, "0", "end")
    body += text(LEFT - 7, y(most) + 4, brief_count(most) if bins else "", "end")
    for b in bins:
        left, width = x(b.start) + 1.5, SIDE / BINS - 3
        bars = (("wrong", b.right, float(b.n)), ("right", 0.0, b.right))
        words = (
            f"confidence {b.start:.0%} to {b.end:.0%}: {b.right:g} right, {b.n - b.right:g} wrong"
        )
        body += element(
            "g",
            tip(words),
            *(
                element(
                    "rect", x=left, y=y(end), width=width, height=y(start) - y(end), class_=kind
                )
                for kind, start, end in bars
                if end > start
            ),
        )
    body += _percent_axis(y(0), None)
    described = "; ".join(f"{b.start:.0%} to {b.end:.0%} {b.right:g} of {b.n} right" for b in bins)
    return Figure(f"Confidences of {row.name}: {described}", WIDTH, top + high + 20, body)


def risk_coverage_curves(rows: Sequence[Row], colour: dict[str, str]) -> Figure:
    """Share of wrong answers when only the most confident part is answered; lower is better."""
    width, left, top, across, down = 520.0, 46.0, 10.0, 462.0, 230.0
    curves = [(row, *risk_coverage(to_arrays(row.predictions))) for row in rows]
    curves = [curve for curve in curves if len(curve[1])]
    # The first few answers of a curve are a coin's tosses; the scale is made for the rest.
    peaks = [float(risk[len(risk) // 20 :].max()) for _, _, risk in curves]
    steps = ticks(0, min(1.0, max([0.05, *peaks])))
    x, y = scale(0, 1, left, left + across), scale(0, steps[-1], top + down, top)
    body = "".join(
        line(x(0), y(v), x(1), y(v), "grid") + text(left - 7, y(v) + 4, f"{100 * v:g}", "end")
        for v in steps
    )
    body += "".join(text(x(k / 5), y(0) + 15, str(k * 20)) for k in range(6))
    body += text(x(0.5), y(0) + 32, "answered, % of questions, most confident first")
    body += _sideways(12, y(steps[-1] / 2), "wrong, % of answered")
    estimators = list(dict.fromkeys(row.estimator for row in rows if row.model != IDEAL))
    bottom = y(0) + 56
    for i, (row, coverage, risk) in enumerate(curves):
        every = max(1, len(risk) // 250)
        points = [
            (c, r)
            for k, (c, r) in enumerate(zip(coverage, risk, strict=True))
            if k % every == every - 1 or k == len(risk) - 1
        ]
        path = "M" + "L".join(f"{x(c):.1f} {y(min(r, steps[-1])):.1f}" for c, r in points)
        ideal = row.model == IDEAL
        dash = "1 3" if ideal else DASHES[estimators.index(row.estimator) % len(DASHES)]
        column, place = (left, width / 2 + 20)[i % 2], bottom + (i // 2) * 20
        sample = element(
            "path", d=f"M{column:g} {place:g}h26", class_="curve", stroke_dasharray=dash
        )
        body += element(
            "g",
            tip(f"{shown(row)}: {float(risk[-1]):.0%} wrong when all are answered"),
            element("path", d=path, class_="curve", stroke_dasharray=dash),
            sample,
            text(column + 34, place + 4, shown(row), "start", "strong"),
            class_=colour[row.model],
        )
    height = bottom + (len(curves) + 1) // 2 * 20 - 4
    label = "Risk by coverage of " + ", ".join(shown(row) for row, *_ in curves)
    return Figure(label, width, height, body)


def summary(metric: str, rows: Sequence[Row], colour: dict[str, str]) -> Figure:
    """One metric, all rows beside each other: value, 95 % interval, and where the limit lies."""
    found = [(row, score) for row in rows if (score := _defined(row, metric))]
    numbers = [v for _, s in found for v in (s.value, s.low, s.high) if v is not None]
    low, high = (min(numbers), max(numbers)) if numbers else (0.0, 1.0)
    high = max(high, 0.02)
    low = min(low, high - 0.02)  # values that are all the same need some room too
    # From zero where that costs little room, for an honest look.
    steps = ticks(0.0 if 0 <= low < 0.5 * high else low, high, 3)
    counts = metric_info(metric).counts
    width, left, across, top, pitch = 480.0, 160.0, 260.0, 6.0, 24.0
    x = scale(steps[0], steps[-1], left, left + across)
    bottom = top + pitch * len(found)
    body = "".join(
        line(x(v), top, x(v), bottom, "grid") + text(x(v), bottom + 14, f"{v:g}") for v in steps
    )
    for row, score in found:
        if row.model == IDEAL:
            body += line(x(score.value or 0), top, x(score.value or 0), bottom, "ideal")
    for i, (row, score) in enumerate(found):
        value, middle = score.value or 0.0, top + pitch * (i + 0.5)
        whisker = ""
        if score.low is not None and score.high is not None:
            whisker = line(x(score.low), middle, x(score.high), middle, "whisker")
        body += text(left - 10, middle + 4, shown(row), "end", "strong")
        dot = element("circle", cx=x(value), cy=middle, r=5.0, class_="dot")
        body += element("g", whisker, dot, class_=colour[row.model])
        body += text(width, middle + 4, number(value, counts), "end", "strong")
    described = "; ".join(f"{shown(row)} {s.value:.3f}" for row, s in found)
    return Figure(f"{metric}: {described}", width, bottom + 20, body)


def _defined(row: Row, metric: str) -> Score | None:
    return next((s for s in row.scores if s.metric == metric and s.value is not None), None)
