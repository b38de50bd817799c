"""A comparison as CSV and as one self-contained page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from saysel.files.formulas import csv_text
from saysel.report.svg import Figure, element, line, scale, text, ticks, tip
from saysel.scoring import Comparison, Difference, metric_info
from saysel.scoring.comparison_table import row
from saysel.storage import write_text


def write(comparison: Comparison, directory: Path) -> None:
    """Write `comparison.csv` and `index.html`; each appears whole or not at all."""
    write_text(directory / "comparison.csv", comparison_csv(comparison))
    write_text(directory / "index.html", page(comparison))


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
        summary=comparison.summary(),
        notes=comparison.notes(),
        header=comparison.header(),
        groups=[
            {
                "name": name,
                "figure": Markup(forest(name, differences).inline()),
                "rows": [
                    (difference.outcome, comparison.row(difference), metric_info(difference.metric))
                    for difference in differences
                ],
            }
            for name, differences in comparison.by_method()
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
            tip(", ".join(row(one))),
            line(x(low), middle, x(high), middle, "whisker"),
            element("circle", cx=x(value), cy=middle, r=4.5, class_="dot"),
            class_="m0",
        )
    body += text(x(0) + 6, bottom + 32, "better →", "start")
    body += text(x(0) - 6, bottom + 32, "← worse", "end")
    return Figure(f"Differences of {name} with 95 % intervals", width, bottom + 40, body)
