"""The scores of a report as a table in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.display.numbers import MINUS, number
from saysel.display.tables import aligned, print_table
from saysel.records import Score
from saysel.report.content import IDEAL, Row, ordered
from saysel.report.glance import headlines
from saysel.scoring import metric_info

#: With more metrics than this the table has a line per metric instead of a line per row.
MAX_METRIC_COLUMNS = 8
#: What the table shows as the estimator of the ideal observer.
IDEAL_ESTIMATOR = "the limit"

Table = tuple[list[str], list[list[str]], int]


def show_scores(rows: Sequence[Row]) -> None:
    """Print the scores, ideal observers last."""
    header, lines, names = score_table(rows)
    dim = [i for i, line in enumerate(lines) if names > 1 and line[names - 1] == IDEAL_ESTIMATOR]
    print_table(header, lines, range(names), dim)


def score_text(rows: Sequence[Row]) -> str:
    """The same as aligned text."""
    header, lines, names = score_table(rows)
    return "\n".join(aligned([header, *lines], range(names)))


def score_table(rows: Sequence[Row]) -> Table:
    """Header, lines, and the number of columns with names.

    Each score with its 95 % interval, `.312 (.291–.333)`; cell and split only if the rows differ
    in them; seconds per question if they are known.
    """
    rows = ordered(rows)
    metrics = list(dict.fromkeys(score.metric for row in rows for score in row.scores))
    return (
        _rows_as_lines(rows, metrics)
        if len(metrics) <= MAX_METRIC_COLUMNS
        else (_metrics_as_lines(rows, metrics))
    )


def headline_table(rows: Sequence[Row]) -> Table:
    """The table with a line per row and the main metrics only."""
    rows = ordered(rows)
    metrics = list(dict.fromkeys(score.metric for row in rows for score in row.scores))
    return _rows_as_lines(rows, headlines(metrics))


def _rows_as_lines(rows: Sequence[Row], metrics: Sequence[str]) -> Table:
    titles, names = _names(rows)
    timed = any(row.seconds is not None for row in rows)
    lines = [
        [*name, *_scores(row, metrics), *([brief_seconds(row.seconds)] if timed else [])]
        for name, row in zip(names, rows, strict=True)
    ]
    return [*titles, *metrics, *(["seconds"] if timed else [])], lines, len(titles)


def _metrics_as_lines(rows: Sequence[Row], metrics: Sequence[str]) -> Table:
    _, names = _names(rows)
    columns = [_scores(row, metrics) for row in rows]
    lines = [["questions", *(str(row.n) for row in rows)]]
    lines += [["without confidence", *(str(row.missing) for row in rows)]]
    if any(row.declined for row in rows):
        lines += [["declined", *(str(row.declined) for row in rows)]]
    lines += [list(line) for line in zip(metrics, *columns, strict=True)]
    if any(row.seconds is not None for row in rows):
        lines.append(["seconds", *(brief_seconds(row.seconds) for row in rows)])
    return ["metric", *(" ".join(name) for name in names)], lines, 1


def _names(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """The parts of the rows' names: their titles, and the parts of each row."""
    columns = {
        "cell": [row.cell for row in rows],
        "split": [row.split for row in rows],
        "model": [row.model for row in rows],
        "estimator": [IDEAL_ESTIMATOR if row.model == IDEAL else row.estimator for row in rows],
    }
    if not any(columns["cell"]):
        del columns["cell"]
    if len(set(columns["split"])) <= 1:
        del columns["split"]
    return list(columns), [list(name) for name in zip(*columns.values(), strict=True)]


def _scores(row: Row, metrics: Sequence[str]) -> list[str]:
    scores = {score.metric: compact(score) for score in row.scores}
    return [scores.get(metric, "–") for metric in metrics]


def brief_seconds(seconds: float | None) -> str:
    """Seconds in three digits."""
    return "–" if seconds is None else f"{seconds:.0f}" if seconds >= 100 else f"{seconds:.3g}"


def compact(score: Score) -> str:
    """A score and its interval in few characters; narrow tables can break it at its space."""
    if score.value is None:
        return "–"
    counts = metric_info(score.metric).counts

    def short(value: float) -> str:
        text = number(value, counts).replace(MINUS, "-")
        return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text

    if score.low is None or score.high is None:
        return short(score.value)
    between = " to " if score.low < 0 else "–"
    return f"{short(score.value)} ({short(score.low)}{between}{short(score.high)})"
