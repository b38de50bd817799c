"""`saysel score`: metrics, intervals and report for predictions made elsewhere."""

from __future__ import annotations

import platform
from pathlib import Path

from saysel import __version__
from saysel.commands.reading import Reading
from saysel.display.terminal import echo, wrapped
from saysel.errors import DataError
from saysel.files import Predictions
from saysel.report import Report, Row, write
from saysel.report.alarms import alarms
from saysel.report.tables import metrics_json
from saysel.scoring import ScoreTable, score, to_arrays

#: The split that all rows of a file belong to.
SPLIT = "all"


def score_file(path: Path, how: Reading, out: Path | None, as_json: bool) -> None:
    """Print every metric with its interval, and write the report page.

    Args:
        how: how the file is read, and what is computed.

    Raises:
        SayselError: see `saysel.files.load_predictions`; or no row says whether its answer is
            correct.
    """
    found = how.load(path)
    scores = _scores(path, found, how)
    row = _row(path, found, how, scores)
    name = _name(path)
    directory = out or Path("scores") / name
    if out is not None or not as_json:
        write(_report(path, found, row, how), directory)
    if as_json:
        echo(metrics_json(name, [row]), nl=False)
        return
    echo(wrapped(_counts(found)))
    for line in scores.lines():
        echo(line)
    for alarm in alarms([row]):
        echo(wrapped(f"! {alarm.text}", indent=2))
    echo(f"report: {directory / 'index.html'}")


def _name(path: Path) -> str:
    """The file's name without its ending: `mine` for `mine.csv.gz`."""
    return (path.with_suffix("") if path.suffix.lower() == ".gz" else path).stem


def _scores(path: Path, found: Predictions, how: Reading) -> ScoreTable:
    judged = to_arrays(found.predictions, found.clusters)
    if not len(judged):
        raise DataError(f"{path}: no row says whether its answer is correct: nothing to score")
    return score(judged, how.components.metric)


def _row(path: Path, found: Predictions, how: Reading, scores: ScoreTable) -> Row:
    format = how.components.format
    return Row(
        cell="",
        model=path.name,
        # How the confidences were obtained: by the format that read them, or from this column.
        estimator=format.use if format else found.columns["confidence"],
        split=SPLIT,
        predictions=tuple(found.predictions),
        scores=scores.scores,
        n=scores.predictions,
        metrics=how.components.metric,
        clusters=found.clusters,
    )


def _report(path: Path, found: Predictions, row: Row, how: Reading) -> Report:
    chosen = how.components.model_dump(mode="json", exclude_none=True)
    scale = {} if how.scale is None else {"scale": how.scale}
    return Report(
        name=_name(path),
        title=path.name,
        recipe={"score": str(path), "columns": found.columns, **scale, **chosen},
        manifest={"versions": {"saysel": __version__, "python": platform.python_version()}},
        rows=(row,),
        questions={"": found.questions},
        clusters={},
    )


def _counts(found: Predictions) -> str:
    """What the table is about: whatever is left out is counted."""
    rows = found.predictions
    unread = sum(p.confidence is None for p in rows)
    unjudged = sum(p.correct is None for p in rows)
    one = "prediction" if len(rows) == 1 else "predictions"
    parts = [f"{len(rows):,} {one}", f"{unread:,} without a confidence"]
    if unjudged:
        parts.append(f"{unjudged:,} left out, nobody knows whether they are correct")
    if found.clusters:
        parts.append(f"{len(set(found.clusters.values())):,} clusters")
    return ", ".join(parts)
