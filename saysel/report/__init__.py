"""The report of a run: one page, and the same numbers as JSON, CSV and SVG.

index.html         self-contained; opens from disk, needs no network
metrics.json       the scores, for programs
scores.csv         the scores, one per line; scores.md and scores.tex: the main ones as a table
settings.csv       of a matrix run: its settings, seeds pooled; also as settings.md and .tex
predictions.csv    one line per question and row
figures/*.svg      the page's figures, one file each
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from saysel.errors import DamagedFile
from saysel.report.content import IDEAL, Grid, Rationales, Report, Row, ordered
from saysel.storage import intact, read_json, write_atomically, write_checked

#: Files with a checksum: if one is damaged, `saysel run` writes the report again.
CHECKED = ("metrics.json", "index.html")

__all__ = [
    "CHECKED",
    "IDEAL",
    "Grid",
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

    Figures and tables of an earlier report that this one does not have are removed; the directory's
    other files are left alone.
    """
    from saysel.report.files import report_files

    files = report_files(report)
    for old in _earlier(directory):
        if old.relative_to(directory).as_posix() not in files:
            old.unlink(missing_ok=True)
    for name, text in files.items():
        _write(directory / name, text)


def is_whole(directory: Path) -> bool:
    """Whether a report's page and scores are undamaged."""
    return all(intact(directory / name) for name in CHECKED)


def read_metrics(run: Path) -> dict[str, Any]:
    """The content of `report/metrics.json` of a run directory.

    Raises:
        DamagedFile: it is missing or damaged.
    """
    path, remedy = run / "report" / "metrics.json", f"write it again: saysel report {run}"
    content: dict[str, Any] = read_json(path, remedy)
    if not intact(path):
        raise DamagedFile(path, "the file is damaged (its checksum differs)", remedy)
    return content


def _earlier(directory: Path) -> Iterator[Path]:
    """Figures of an earlier report, with those in other formats, and the tables of its settings."""
    from saysel.report.figures.export import FORMATS
    from saysel.report.figures.svg import is_figure

    for figure in filter(is_figure, list(directory.glob("figures/*.svg"))):
        yield from (figure.with_suffix(f".{format}") for format in ("svg", *FORMATS))
    if is_whole(directory) and "settings" in read_json(directory / "metrics.json"):
        yield from (directory / f"settings.{format}" for format in ("csv", "md", "tex"))


def _write(path: Path, text: str) -> None:
    # A model can emit half a surrogate pair, which UTF-8 cannot encode.
    content = text.encode("utf-8", errors="replace")
    write = write_checked if path.name in CHECKED else write_atomically
    write(path, lambda file: file.write(content))
