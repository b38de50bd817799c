"""Scores predictions that saysel did not make."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from os import PathLike
from pathlib import Path

from saysel import __version__
from saysel.api.predictions import AnyPredictions, Reading, name_of, paths_in, reading
from saysel.display.terminal import wrapped
from saysel.errors import DataError
from saysel.files import Predictions
from saysel.records import CUT, ReplyCounts
from saysel.replies.counts import ReplyTally, tally_predictions
from saysel.report import Report, Row, write
from saysel.report.alarms import with_alarms
from saysel.report.data_files import metrics_json
from saysel.scoring import ScoreTable, to_arrays
from saysel.scoring import score as score_arrays

#: The split that all rows of a file belong to.
SPLIT = "all"


@dataclass(frozen=True, repr=False)
class Scores(ScoreTable):
    """What `saysel.score` returns: a `ScoreTable` with remarks and alarms.

    Attributes:
        name: of the predictions: the file's name without its ending.
        about: what the scores are computed on, and what is left out.
        alarms: warnings of misleading numbers.
        row: predictions and scores, as a report has them.
        report: the report page, if one was written.
    """

    name: str
    about: str
    alarms: tuple[str, ...]
    row: Row
    report: Path | None

    def caption(self) -> str:
        return self.about

    def __str__(self) -> str:
        alarms = [wrapped(f"! {alarm}", indent=2) for alarm in self.alarms]
        return "\n".join([wrapped(self.about), *self.lines(), *alarms])

    def _repr_html_(self) -> str:
        alarms = "".join(f"<p>⚠ {escape(alarm)}</p>" for alarm in self.alarms)
        return super()._repr_html_() + alarms

    def to_json(self) -> str:
        """The content of `metrics.json` for these predictions."""
        return metrics_json(self.name, [self.row])


def score(
    predictions: AnyPredictions | Sequence[str | PathLike[str]],
    *,
    name: str = "predictions",
    columns: Mapping[str, str | Sequence[str]] | None = None,
    where: Mapping[str, object] | None = None,
    scale: float | None = None,
    format: object = None,
    judge: object = None,
    cluster: str | None = None,
    metrics: Sequence[object] | Mapping[str, object] | None = None,
    out: str | PathLike[str] | None = None,
) -> Scores:
    """Metrics with 95 % intervals for predictions made elsewhere.

        saysel.score("predictions.csv")
        saysel.score(["samples_anatomy.jsonl", "samples_virology.jsonl"])
        saysel.score(frame, columns={"confidence": "p_true"}, scale=100)
        saysel.score({"correct": [1, 0, 1], "confidence": [0.9, 0.4, None]})
        saysel.score("replies.jsonl", format="tags", columns={"output": "text"})

    Args:
        predictions: a CSV, TSV, JSON, JSON Lines or Parquet file, a spreadsheet, an Inspect log,
            samples of lm-evaluation-harness, `"-"` for standard input, or a list of files whose
            rows belong together; a pandas or polars frame; or a mapping from column names to
            arrays or lists. One row per question: a confidence, and whether the answer is correct;
            or the answer and the accepted ones.
        name: of a frame or arrays, in messages and in the report.
        columns: the columns by role (`id`, `confidence`, `correct`, `answer`, `gold`, `output`,
            `question`), where their names are not usual ones.
        where: values by column, compared as text; only rows that have all of them are scored.
        scale: the confidence that means certainty: 100 for percent, 10 for tenths.
        format: reads answer and confidence from whole replies: `"sayself"`, `"percent"`,
            `"tags"`, a mapping with options, or a `Format`.
        judge: compares answers with the accepted ones, whatever the predictions say is correct:
            a name, a mapping with options, or a `Judge`.
        cluster: the column that groups rows which belong together: intervals treat a group as
            one.
        metrics: compute these instead of the usual ones: names, mappings with options, or
            `Metric`s. A single name or mapping needs no list.
        out: a directory for a report page; by default none is written.

    Raises:
        SayselError: the predictions cannot be read (rows are named), or no row says whether its
            answer is correct.
    """
    how = reading(columns, where, scale, format, judge, cluster, metrics)
    files = paths_in(predictions)
    title = _title(files) if files else name
    read = how.read(predictions, name)
    judged = to_arrays(read.predictions, read.clusters)
    if not len(judged):
        raise DataError(f"{title}: no row says whether its answer is correct: nothing to score")
    table = score_arrays(judged, how.components.metric)
    (row,) = with_alarms([_row(title, read, how, table)])
    short = name_of(*files) if files else name
    if out is not None:
        write(_report(short, read, row, how, list(map(str, files)) or [name]), Path(out))
    return Scores(
        **vars(table),
        name=short,
        about=_counts(read, how),
        alarms=row.alarms,
        row=row,
        report=None if out is None else Path(out) / "index.html",
    )


def _title(files: Sequence[Path]) -> str:
    """What the report calls the model: `mine.csv`, or `mine and 2 more`."""
    return files[0].name if len(files) == 1 else name_of(*files)


def _row(name: str, read: Predictions, how: Reading, table: ScoreTable) -> Row:
    format = how.components.format
    return Row(
        cell="",
        model=name,
        # How the confidences were obtained: by the format that read them, or from this column.
        estimator=format.use if format else read.columns["confidence"],
        split=SPLIT,
        predictions=tuple(read.predictions),
        scores=table.scores,
        n=table.predictions,
        metrics=how.components.metric,
        clusters=read.clusters,
        replies=_replies(read, how),
    )


def _replies(read: Predictions, how: Reading) -> ReplyTally | None:
    """How many replies could be read.

    Without a format, it is only known how many decline and, from the column `finish_reason`, how
    many were cut; `None` without either.
    """
    if how.components.format:
        return tally_predictions(read.predictions, "file", states_confidence=True)
    cut = sum(prediction.finish_reason == CUT for prediction in read.predictions)
    declined = sum(prediction.declined for prediction in read.predictions)
    if "finish_reason" not in read.columns and not declined:
        return None
    counts = ReplyCounts(replies=len(read.predictions), cut=cut, declined=declined)
    return ReplyTally("file", counts)


def _report(name: str, read: Predictions, row: Row, how: Reading, origins: Sequence[str]) -> Report:
    chosen = how.components.model_dump(mode="json", exclude_none=True)
    options = {"columns": read.columns, "where": dict(how.where), "scale": how.scale}
    options = {option: value for option, value in options.items() if value not in (None, {})}
    return Report(
        name=name,
        title=row.model,
        recipe={"score": origins[0] if len(origins) == 1 else list(origins), **options, **chosen},
        manifest={
            "versions": {"saysel": __version__, "python": platform.python_version()},
            "predictions": _counts(read, how),
        },
        rows=(row,),
        questions={"": read.questions},
        clusters={},
    )


def _counts(read: Predictions, how: Reading) -> str:
    """What the table is about: whatever is left out is counted."""
    rows = read.predictions
    unread = sum(p.confidence is None and not p.declined for p in rows)
    declined = sum(p.declined for p in rows)
    unjudged = sum(p.correct is None for p in rows)
    noun = "prediction" if len(rows) == 1 else "predictions"
    parts = [f"{len(rows):,} {noun}", f"{unread:,} without a confidence"]
    if declined:
        parts.insert(1, f"{declined:,} declined")
    if unjudged:
        parts.append(f"{unjudged:,} left out because their correctness is unknown")
    if read.clusters:
        parts.append(f"{len(set(read.clusters.values())):,} clusters")
    counts = ", ".join(parts)
    if read.layout is None:
        return counts
    shown = ("output",) if how.components.format else ("confidence",)
    used = [
        f"{role} from {read.columns[role]}" for role in (*shown, "correct") if role in read.columns
    ]
    return f"{counts}; {read.layout}: {', '.join(used)}"
