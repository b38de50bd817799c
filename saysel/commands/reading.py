"""The options of `score` and `compare`: how files are read, and which metrics are computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from saysel.display.terminal import echo
from saysel.errors import UsageError
from saysel.files import Predictions, load_predictions
from saysel.interfaces import Format, Judge, Metric
from saysel.recipes.problems import problems
from saysel.recipes.recipe import METRICS
from saysel.recipes.text import parse_yaml


class Components(BaseModel):
    """The components that the command line chose."""

    model_config = ConfigDict(frozen=True)

    format: Format | None = None
    judge: Judge | None = None
    metric: tuple[Metric, ...]


@dataclass(frozen=True)
class Reading:
    """How files of predictions are read.

    Attributes:
        columns: names of columns by role.
        scale: the number that stands for certainty; `None`: 1, or the format's own.
        components: what reads replies, judges answers and measures.
    """

    columns: Mapping[str, Sequence[str]]
    scale: float | None
    components: Components

    @property
    def asked(self) -> tuple[str, ...]:
        """The options that were given and say how a file is read."""
        given = {
            "--column": self.columns,
            "--scale": self.scale,
            "--format": self.components.format,
            "--judge": self.components.judge,
        }
        return tuple(option for option, value in given.items() if value not in (None, {}))

    def load(self, path: Path) -> Predictions:
        """A file's predictions; columns that had to be left out are named on standard error.

        Raises:
            SayselError: see `saysel.files.load_predictions`.
        """
        chosen = self.components
        found = load_predictions(
            path, self.columns, scale=self.scale, format=chosen.format, judge=chosen.judge
        )
        for note in found.notes:
            echo(note, err=True)
        return found


def reading(
    columns: Sequence[str],
    scale: float | None,
    format: str | None,
    judge: str | None,
    metrics: Sequence[str],
    cluster: str | None = None,
) -> Reading:
    """What the options of a command line say.

    Raises:
        UsageError: an option names no component, or is not written as it has to be.
    """
    by_role: dict[str, list[str]] = {}
    for option in columns:
        role, equals, column = option.partition("=")
        if not (equals and role and column):
            raise UsageError(f"--column {option}: write it as ROLE=NAME, e.g. confidence=p_true")
        by_role.setdefault(role.strip(), []).append(column)
    if cluster is not None:
        by_role.setdefault("cluster", []).append(cluster)
    return Reading(by_role, scale, _components(format, judge, metrics))


def _components(format: str | None, judge: str | None, metrics: Sequence[str]) -> Components:
    chosen: dict[str, Any] = {"metric": METRICS}
    if metrics:
        chosen["metric"] = [_component("metric", metric) for metric in metrics]
    chosen.update(
        (option, _component(option, text))
        for option, text in (("format", format), ("judge", judge))
        if text is not None
    )
    try:
        return Components.model_validate(chosen)
    except ValidationError as error:
        raise UsageError("\n".join(f"--{line}" for line in problems(error, Components))) from None


def _component(option: str, text: str) -> Any:
    """A name, or a mapping with options, as a recipe would have it."""
    try:
        return parse_yaml(text)
    except ValueError as error:
        raise UsageError(f"--{option}: {error}") from None
