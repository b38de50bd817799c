"""A comparison as text, CSV and one self-contained page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from itertools import groupby
from pathlib import Path

from saysel.display.terminal import UNLIMITED, wrapped
from saysel.files.spreadsheet_cells import csv_text
from saysel.report.glance import number, reading
from saysel.report.svg import Figure, element, line, scale, text, ticks, tip
from saysel.scoring.comparison import Comparison
from saysel.scoring.differences import Difference
from saysel.storage import write_text

HEADER = ("metric", "before", "after", "difference", "95 % interval", "in favour", "p (Holm)", "")
#: Before the verdict, where confidences are missing.
WORST = "missing at worst"
SIGNS = {"better": "✓", "worse": "✗", "unclear": ""}


def write(comparison: Comparison, directory: Path) -> None:
    """Write `comparison.csv` and `index.html`; each appears whole or not at all."""
    write_text(directory / "comparison.csv", comparison_csv(comparison))
    write_text(directory / "index.html", page(comparison))


def by_method(comparison: Comparison) -> list[tuple[str, list[Difference]]]:
    """The differences of each method."""
    groups = groupby(comparison.differences, key=lambda one: one.method)
    return [(name, list(members)) for name, members in groups]


def header(comparison: Comparison) -> tuple[str, ...]:
    """The columns of the tables."""
    return (*HEADER[:-1], WORST, HEADER[-1]) if any(comparison.missing.values()) else HEADER


def cells(one: Difference, missing: bool = False) -> tuple[str, ...]:
    """A difference in words; what is not defined is a dash.

    Args:
        missing: whether there is a column for the difference with every missing confidence as
            the worst one.
    """
    counts = reading(one.metric).counts

    def shown(value: float | None, sign: bool = False) -> str:
        return "–" if value is None else number(value, counts, sign)

    interval = "–"
    if one.low is not None and one.high is not None:
        interval = f"{shown(one.low, True)} to {shown(one.high, True)}"
    return (
        one.metric,
        shown(one.before),
        shown(one.after),
        shown(one.difference, True),
        interval,
        "–" if one.favour is None else f"{one.favour:.1%}",
        "–" if one.p_holm is None else f"{one.p_holm:.3f}" if one.p_holm >= 0.001 else "< 0.001",
        *([shown(one.worst, True)] if missing else []),
        "" if one.p is None else f"{SIGNS[one.verdict]} {one.verdict}".strip(),
    )


def about(comparison: Comparison) -> str:
    """What was compared on what."""
    asked = set(comparison.asked.values())
    shared = f"{comparison.questions + comparison.left_out:,} questions are shared"
    if asked != {comparison.questions + comparison.left_out}:
        each = ", ".join(f"{name} has {n:,}" for name, n in comparison.asked.items())
        shared += f" ({each})"
    if comparison.left_out:
        shared += f"; {comparison.left_out:,} of them were not judged for all and are left out"
    if comparison.clusters is not None:
        shared += f"; they belong to {comparison.clusters:,} clusters, which are resampled whole"
    return shared


def notes(comparison: Comparison) -> list[str]:
    """What a reader has to know before believing the verdicts, a sentence each."""
    found = []
    if any(comparison.missing.values()):
        each = ", ".join(f"{name}: {n:,}" for name, n in comparison.missing.items())
        found.append(
            f"Without a confidence ({each}): metrics of confidence compare the questions for which "
            f"both methods state one. '{WORST}' is the difference if every missing confidence were "
            "1 for a wrong answer and 0 for a right one; a difference that turns around there is "
            "unclear."
        )
    if comparison.resamples < comparison.resamples_needed:
        found.append(
            f"No difference can be certain: so many tests need at least "
            f"{comparison.resamples_needed:,} resamples, and there were {comparison.resamples:,}. "
            "Leave out --resamples, or compare fewer methods or metrics."
        )
    return found


def plain_tables(comparison: Comparison, room: int = UNLIMITED) -> str:
    """The tables as aligned text.

    Args:
        room: columns of the terminal. Where a table is wider, each difference is a paragraph.
    """
    parts = [wrapped(note, columns=room) for note in (about(comparison), *notes(comparison))]
    head = header(comparison)
    for name, differences in by_method(comparison):
        lines = [cells(one, WORST in head) for one in differences]
        parts += [f"\nbefore: {comparison.reference}", f"after:  {name}"]
        aligned = _aligned([head, *lines])
        if max(map(len, aligned)) <= room:
            parts += aligned
            continue
        for metric, *values, verdict in lines:
            named = zip(head[1:-1], values, strict=True)
            parts.append(f"{metric}  {verdict}".rstrip())
            numbers = ", ".join(f"{column} {value}" for column, value in named)
            parts += [f"  {line}" for line in wrapped(numbers, columns=room - 2).splitlines()]
    return "\n".join(parts)


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Rows of a table with the numbers to the right, names and verdicts to the left."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            word.ljust(width) if i in (0, len(line) - 1) else word.rjust(width)
            for i, (word, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def comparison_csv(comparison: Comparison) -> str:
    """One line per method and metric; empty where not defined."""
    return csv_text(
        ["reference", *(field.name for field in fields(Difference))],
        (
            [comparison.reference, *asdict(difference).values()]
            for difference in comparison.differences
        ),
    )


def page(comparison: Comparison) -> str:
    """The page's HTML."""
    from markupsafe import Markup

    from saysel.report.svg import style_sheet
    from saysel.report.templates import template

    style = style_sheet() + (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    return template("comparison.html").render(
        reference=comparison.reference,
        about=about(comparison),
        notes=notes(comparison),
        header=header(comparison),
        groups=[
            {
                "name": name,
                "figure": Markup(forest(name, differences).inline()),
                "lines": [
                    (one, cells(one, WORST in header(comparison)), reading(one.metric))
                    for one in differences
                ],
            }
            for name, differences in by_method(comparison)
        ],
        style=Markup(style),
    )


def forest(name: str, differences: Sequence[Difference]) -> Figure:
    """Differences with their intervals, turned so that better is on the right.

    Only metrics that have a direction and values from 0 to about 1; tokens would dwarf them.
    """
    shown = [
        (one, -1 if one.better == "lower" else 1)
        for one in differences
        if one.p is not None and one.metric != "tokens"
    ]
    ends = [sign * end for one, sign in shown for end in (one.low or 0, one.high or 0)]
    steps = ticks(min([0.0, *ends]), max([0.01, *ends]), 5)
    width, left, across, top, pitch = 640.0, 170.0, 440.0, 8.0, 22.0
    x = scale(steps[0], steps[-1], left, left + across)
    bottom = top + pitch * len(shown)
    body = "".join(
        line(x(v), top, x(v), bottom, "grid") + text(x(v), bottom + 14, f"{v:+g}" if v else "0")
        for v in steps
    )
    body += line(x(0), top, x(0), bottom, "ideal")
    for i, (one, sign) in enumerate(shown):
        middle = top + pitch * (i + 0.5)
        value, low, high = (sign * (v or 0) for v in (one.difference, one.low, one.high))
        body += text(left - 10, middle + 4, one.metric, "end", "strong")
        body += element(
            "g",
            tip(", ".join(cells(one))),
            line(x(low), middle, x(high), middle, "whisker"),
            element("circle", cx=x(value), cy=middle, r=4.5, class_="dot"),
            class_="m0",
        )
    body += text(x(0) + 6, bottom + 32, "better →", "start")
    body += text(x(0) - 6, bottom + 32, "← worse", "end")
    return Figure(f"Differences of {name} with 95 % intervals", width, bottom + 40, body)
