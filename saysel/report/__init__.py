"""The report of a run: one page, and the same numbers as JSON, CSV and SVG.

index.html         self-contained; opens from disk, needs no network
metrics.json       the scores, for programs
scores.csv         the scores, one per line
predictions.csv    one line per question and row
figures/*.svg      the page's figures, one file each
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from saysel.errors import DamagedFile
from saysel.report.content import IDEAL, Rationales, Report, Row, ordered
from saysel.storage import intact, read_json, write_atomically, write_checked

#: Files with a checksum: if one is damaged, `saysel run` writes the report again.
CHECKED = ("metrics.json", "index.html")

__all__ = [
    "CHECKED",
    "IDEAL",
    "Rationales",
    "Report",
    "Row",
    "is_whole",
    "ordered",
    "read_metrics",
    "write",
]


def write(report: Report, directory: Path) -> None:
    """Write the report into a directory; each file appears whole or not at all.

    Figures of an earlier report that this one does not have are removed.
    """
    from saysel.report.data_files import metrics_json, predictions_csv, scores_csv
    from saysel.report.figures import figures
    from saysel.report.page import page

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


def is_whole(directory: Path) -> bool:
    """Whether a report's page and scores are undamaged."""
    return all(intact(directory / name) for name in CHECKED)


def read_metrics(run: Path) -> dict[str, Any]:
    """The content of `report/metrics.json` of a run directory.

    Raises:
        DamagedFile: it is missing or damaged.
    """
    path, remedy = run / "report" / "metrics.json", f"draw it again: saysel report {run}"
    content: dict[str, Any] = read_json(path, remedy)
    if not intact(path):
        raise DamagedFile(path, "the file is damaged (its checksum differs)", remedy)
    return content


def _write(path: Path, text: str) -> None:
    # A model can emit half a surrogate pair, which UTF-8 cannot encode.
    content = text.encode("utf-8", errors="replace")
    write = write_checked if path.name in CHECKED else write_atomically
    write(path, lambda file: file.write(content))
