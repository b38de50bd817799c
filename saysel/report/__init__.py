"""The report of a run: one page, and the same numbers as JSON, CSV and SVG.

index.html         self-contained; opens from disk, needs no network
metrics.json       the scores, for programs
scores.csv         the scores, one per line
predictions.csv    one line per question and row
figures/*.svg      the page's figures, one file each
"""

from __future__ import annotations

from pathlib import Path

from saysel.report.content import IDEAL, Rationales, Report, Row, ordered
from saysel.report.tables import console_table, plain_table
from saysel.storage import write_atomically

__all__ = [
    "IDEAL",
    "Rationales",
    "Report",
    "Row",
    "console_table",
    "ordered",
    "plain_table",
    "write",
]


def write(report: Report, directory: Path) -> None:
    """Write the report into a directory; each file appears whole or not at all.

    Figures of an earlier report that this one doesn't have are removed.
    """
    from saysel.report.figures import figures
    from saysel.report.page import page
    from saysel.report.tables import metrics_json, predictions_csv, scores_csv

    rows = ordered(report.rows)
    drawn = figures(rows)
    keep = {directory / "figures" / f"{name}.svg" for name in drawn}
    for old in (directory / "figures").glob("*.svg"):
        if old not in keep:
            old.unlink()
    for name, figure in drawn.items():
        _write(directory / "figures" / f"{name}.svg", figure.standalone())
    _write(directory / "scores.csv", scores_csv(rows))
    _write(directory / "predictions.csv", predictions_csv(rows, report.questions))
    _write(directory / "metrics.json", metrics_json(report.name, rows, report.rationales))
    _write(directory / "index.html", page(report, rows, drawn))


def _write(path: Path, text: str) -> None:
    # A model can emit half a surrogate pair, which UTF-8 has no bytes for.
    content = text.encode("utf-8", errors="replace")
    write_atomically(path, lambda file: file.write(content))
