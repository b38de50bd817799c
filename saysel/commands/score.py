"""`saysel score`: metrics, intervals and report for predictions made elsewhere."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from saysel import __version__
from saysel.commands.reading import Reading
from saysel.display.terminal import echo, width, wrapped
from saysel.errors import DataError
from saysel.files.predictions import Predictions
from saysel.report import Report, Row, write
from saysel.report.alarms import alarms
from saysel.report.glance import number, reading
from saysel.report.tables import metrics_json
from saysel.scoring.scores import columns, score

if TYPE_CHECKING:
    from saysel.records import Score

#: The split that all rows of a file belong to.
SPLIT = "all"
#: The least room for a metric's meaning beside its numbers; with less it goes below them.
NARROWEST = 30


def score_file(path: Path, how: Reading, out: Path | None, as_json: bool) -> None:
    """Print every metric with its interval, and write the report page.

    Args:
        how: how the file is read, and what is computed.

    Raises:
        SayselError: see `saysel.files.predictions.load`; or no row says whether its answer is
            correct.
    """
    found = how.load(path)
    row = _row(path, found, how)
    name = _name(path)
    directory = out or Path("scores") / name
    if out is not None or not as_json:
        write(_report(path, found, row, how), directory)
    if as_json:
        echo(metrics_json(name, [row]), nl=False)
        return
    echo(wrapped(_counts(found)))
    for line in table(row.scores, width()):
        echo(line)
    for line in noise(row.scores, width()):
        echo(line)
    for alarm in alarms([row]):
        echo(wrapped(f"! {alarm.text}", indent=2))
    echo(f"report: {directory / 'index.html'}")


def _name(path: Path) -> str:
    """The file's name without its ending: `mine` for `mine.csv.gz`."""
    return (path.with_suffix("") if path.suffix.lower() == ".gz" else path).stem


def _row(path: Path, found: Predictions, how: Reading) -> Row:
    judged = columns(found.predictions, found.clusters)
    format = how.components.format
    if not len(judged):
        raise DataError(f"{path}: no row says whether its answer is correct: nothing to score")
    return Row(
        cell="",
        model=path.name,
        # How the confidences were obtained: by the format that read them, or from this column.
        estimator=format.use if format else found.columns["confidence"],
        split=SPLIT,
        predictions=tuple(found.predictions),
        scores=tuple(score(judged, how.components.metric)),
        n=len(judged),
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


def table(scores: Sequence[Score], room: int) -> list[str]:
    """Lines for each metric: value, 95 % interval, direction, meaning.

    Args:
        room: columns of the terminal. A meaning that does not fit beside the numbers goes below
            them, and numbers that do not fit go below the metric's name.
    """
    cells = [("metric", "value", "95 % interval", "better")]
    meanings = [""]
    for one in scores:
        about = reading(one.metric)
        value = "–" if one.value is None else number(one.value, about.counts)
        interval = ""
        if one.low is not None and one.high is not None:
            interval = f"{number(one.low, about.counts)} to {number(one.high, about.counts)}"
        better = "" if about.better == "neither" else about.better
        cells.append((one.metric, value, interval, better))
        meanings.append(about.meaning)
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    lines: list[str] = []
    for (name, value, interval, better), meaning in zip(cells, meanings, strict=True):
        numbers = f"{name:{widths[0]}}  {value:>{widths[1]}}  {interval:{widths[2]}}  "
        numbers += f"{better:{widths[3]}}"
        indent = len(numbers) + 2
        if len(numbers.rstrip()) > room:
            lines += [name, *_below(" ".join(filter(None, (value, interval, better))), room)]
            lines += _below(meaning, room)
        elif room - indent >= NARROWEST:
            text = wrapped(meaning, columns=room - indent).split("\n")
            lines.append(f"{numbers}  {text[0]}".rstrip())
            lines += [" " * indent + more for more in text[1:]]
        else:
            lines.append(numbers.rstrip())
            lines += _below(meaning, room)
    return lines


def noise(scores: Sequence[Score], room: int) -> list[str]:
    """Lines for each metric to which sampling noise only adds: how much of its value is noise.

    Args:
        room: columns of the terminal; numbers that do not fit go below the metric's name.
    """
    biased = [score for score in scores if score.debiased is not None]
    if not biased:
        return []
    cells = [("without noise", "debiased", "by chance", "p")]
    for one in biased:
        debiased, by_chance, p = (number(x or 0.0) for x in (one.debiased, one.by_chance, one.p))
        cells.append((one.metric, debiased, by_chance, p))
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    lines = [""]
    for name, *numbers in cells:
        aligned = "  ".join(f"{n:>{width}}" for n, width in zip(numbers, widths[1:], strict=True))
        whole = f"{name:{widths[0]}}  {aligned}"
        lines += [whole] if len(whole) <= room else [name, *_below(" ".join(numbers), room)]
    return lines


def _below(text: str, room: int) -> list[str]:
    return [f"  {line}" for line in wrapped(text, columns=room - 2).splitlines()]
