"""A comparison as CSV and as one self-contained page."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path

from saysel.files.formulas import csv_text
from saysel.report.figures.forest import forest
from saysel.report.text_tables import latex, markdown
from saysel.scoring import Comparison, Difference, metric_info
from saysel.storage import write_text


def write(comparison: Comparison, directory: Path) -> None:
    """Write `index.html`, and the table as CSV, Markdown and LaTeX; each file appears complete."""
    write_text(directory / "comparison.csv", comparison_csv(comparison))
    header = ["method", *comparison.header()]
    rows = [[one.method, *comparison.row(one)] for one in comparison.differences]
    left = (0, 1, len(header) - 1)
    write_text(directory / "comparison.md", markdown(header, rows, left))
    write_text(directory / "comparison.tex", latex(header, rows, left))
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

    from saysel.report.templates import style_sheet, template

    return template("comparison.html").render(
        comparison=comparison,
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
        style=style_sheet(),
    )
