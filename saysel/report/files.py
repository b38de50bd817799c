"""The files of a report: their names and contents."""

from __future__ import annotations

from collections.abc import Mapping

from saysel.report.console import headline_table
from saysel.report.content import Grid, Report, ordered
from saysel.report.data_files import metrics_json, predictions_csv, scores_csv
from saysel.report.figures import figures, metric_slug, training_figures, value_slug
from saysel.report.figures.settings import settings_figures
from saysel.report.settings import Settings, settings_of, settings_record
from saysel.report.settings_tables import settings_csv, settings_table
from saysel.report.text_tables import latex, markdown


def report_files(report: Report) -> dict[str, str]:
    """The text of each file by its name within the report's directory; the page is the last."""
    rows = ordered(report.rows)
    header, lines, names = headline_table(rows)
    files = {
        "scores.csv": scores_csv(rows),
        "scores.md": markdown(header, lines, range(names)),
        "scores.tex": latex(header, lines, range(names)),
        "predictions.csv": predictions_csv(rows, report.questions),
    }
    settings = None if report.grid is None else settings_of(report, report.grid)
    if report.grid is not None and settings is not None:
        return {**files, **_matrix_files(report, report.grid, settings)}

    from saysel.report.page import page

    drawn = figures(rows) | training_figures(report.training)
    return {
        **files,
        **{f"figures/{name}.svg": figure.standalone() for name, figure in drawn.items()},
        "metrics.json": metrics_json(report.name, rows, report.rationales),
        "index.html": page(report, rows, drawn),
    }


def _matrix_files(report: Report, grid: Grid, settings: Settings) -> Mapping[str, str]:
    from saysel.report.matrix_page import matrix_page

    record = settings_record(settings)
    header, lines, names = settings_table(record)
    drawn = settings_figures(settings)
    figures = {
        f"figures/{metric_slug(metric)}{value_slug(panel)}.svg": figure.standalone()
        for metric, panels in drawn.items()
        for panel, figure in panels
    }
    rows = ordered(report.rows)
    return {
        **figures,
        "settings.csv": settings_csv(record),
        "settings.md": markdown(header, lines, range(names)),
        "settings.tex": latex(header, lines, range(names)),
        "metrics.json": metrics_json(report.name, rows, report.rationales, record),
        "index.html": matrix_page(report, grid, settings, record, drawn),
    }
