"""`saysel score`: metrics, intervals and report for predictions made elsewhere."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pydantic import BaseModel, ConfigDict, ValidationError

from saysel import __version__, recipe_yaml
from saysel.errors import DataError, UsageError
from saysel.interfaces import Format, Judge, Metric
from saysel.predictions import Predictions, load
from saysel.recipe import METRICS
from saysel.recipe_problems import problems
from saysel.report import Report, Row, write
from saysel.report.alarms import alarms
from saysel.report.glance import number, reading
from saysel.report.tables import metrics_json
from saysel.scores import columns, score

if TYPE_CHECKING:
    from saysel.records import Score

#: The split that all rows of a file belong to.
SPLIT = "all"


class Settings(BaseModel):
    """The components that the command line chose."""

    model_config = ConfigDict(frozen=True)

    format: Format | None = None
    judge: Judge | None = None
    metric: tuple[Metric, ...]


def score_file(
    path: Path,
    named: Sequence[str],
    scale: float,
    format: str | None,
    judge: str | None,
    metrics: Sequence[str],
    out: Path | None,
    as_json: bool,
) -> None:
    """Print every metric with its interval, and write the report page.

    Raises:
        SayselError: see `saysel.predictions.load`; an option names no component; or no row says
            whether its answer is correct.
    """
    settings = _settings(format, judge, metrics)
    roles = dict(_role(option) for option in named)
    found = load(path, roles, scale, settings.format, settings.judge)
    row = _row(path, found, settings)
    place = out or Path("scores") / path.stem
    if out is not None or not as_json:
        write(_report(path, found, row, settings, scale), place)
    if as_json:
        click.echo(metrics_json(path.stem, [row]), nl=False)
        return
    click.echo(_counts(found))
    for line in _table(row.scores):
        click.echo(line)
    for alarm in alarms([row]):
        click.echo(f"! {alarm.text}")
    click.echo(f"report: {place / 'index.html'}")


def _settings(format: str | None, judge: str | None, metrics: Sequence[str]) -> Settings:
    chosen: dict[str, Any] = {"metric": METRICS}
    if metrics:
        chosen["metric"] = [_component("metric", metric) for metric in metrics]
    chosen.update(
        (option, _component(option, text))
        for option, text in (("format", format), ("judge", judge))
        if text is not None
    )
    try:
        return Settings.model_validate(chosen)
    except ValidationError as error:
        raise UsageError("\n".join(f"--{line}" for line in problems(error, Settings))) from None


def _component(option: str, text: str) -> Any:
    """A name, or a mapping with options, as a recipe would have it."""
    try:
        return recipe_yaml.parse(text)
    except ValueError as error:
        raise UsageError(f"--{option}: {error}") from None


def _role(option: str) -> tuple[str, str]:
    role, equals, column = option.partition("=")
    if not (equals and role and column):
        raise UsageError(f"--column {option}: write it as ROLE=NAME, e.g. confidence=p_true")
    return role.strip(), column


def _row(path: Path, found: Predictions, settings: Settings) -> Row:
    judged = columns(found.predictions)
    if not len(judged):
        raise DataError(f"{path}: no row says whether its answer is correct: nothing to score")
    return Row(
        cell="",
        model=path.name,
        # How the confidences were had: by the format that read them, or from this column.
        estimator=settings.format.use if settings.format else found.columns["confidence"],
        split=SPLIT,
        predictions=tuple(found.predictions),
        scores=tuple(score(judged, settings.metric)),
        n=len(judged),
    )


def _report(path: Path, found: Predictions, row: Row, settings: Settings, scale: float) -> Report:
    chosen = settings.model_dump(mode="json", exclude_none=True)
    return Report(
        name=path.stem,
        title=path.name,
        recipe={"score": str(path), "columns": found.columns, "scale": scale, **chosen},
        manifest={"versions": {"saysel": __version__, "python": platform.python_version()}},
        rows=(row,),
        questions={"": found.questions},
        clusters={},
    )


def _counts(found: Predictions) -> str:
    """What the table is about: nothing is left out without being told."""
    rows = found.predictions
    unread = sum(p.confidence is None for p in rows)
    unjudged = sum(p.correct is None for p in rows)
    one = "prediction" if len(rows) == 1 else "predictions"
    parts = [f"{len(rows):,} {one}", f"{unread:,} without a confidence"]
    if unjudged:
        parts.append(f"{unjudged:,} left out, nobody knows whether they are correct")
    return ", ".join(parts)


def _table(scores: Sequence[Score]) -> list[str]:
    """One line per metric: value, 95 % interval, direction, meaning."""
    lines = [("metric", "value", "95 % interval", "better", "")]
    for one in scores:
        about = reading(one.metric)
        value = "–" if one.value is None else number(one.value, about.counts)
        interval = ""
        if one.low is not None and one.high is not None:
            interval = f"{number(one.low, about.counts)} to {number(one.high, about.counts)}"
        better = "" if about.better == "neither" else about.better
        lines.append((one.metric, value, interval, better, about.meaning))
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    return [
        f"{name:{widths[0]}}  {value:>{widths[1]}}  {interval:{widths[2]}}  "
        f"{better:{widths[3]}}  {meaning}".rstrip()
        for name, value, interval, better, meaning in lines
    ]
