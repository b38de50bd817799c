"""What may be given as predictions, and how they are read."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from saysel.errors import SayselWarning, UsageError
from saysel.files import Predictions, load_predictions, predictions_from_columns
from saysel.files.frames import Frame
from saysel.interfaces import Format, Judge, Metric
from saysel.recipes.problems import problems
from saysel.recipes.recipe import METRICS

#: A file, a pandas or polars frame, or a mapping from column names to arrays or lists.
AnyPredictions = str | PathLike[str] | Frame | Mapping[str, Iterable[object]]


class Components(BaseModel):
    """What reads replies, judges answers and measures; names, mappings and objects are taken."""

    model_config = ConfigDict(frozen=True)

    format: Format | None = None
    judge: Judge | None = None
    metric: tuple[Metric, ...]


@dataclass(frozen=True)
class Reading:
    """How predictions are read.

    Attributes:
        columns: names of columns by role.
        scale: the number that stands for certainty; `None`: 1, or the format's own.
        components: what reads replies, judges answers and measures.
    """

    columns: Mapping[str, str | Sequence[str]]
    scale: float | None
    components: Components

    @property
    def given(self) -> tuple[str, ...]:
        """The options that were given and say how predictions are read."""
        values = {
            "--column": self.columns,
            "--scale": self.scale,
            "--format": self.components.format,
            "--judge": self.components.judge,
        }
        return tuple(option for option, value in values.items() if value not in (None, {}))

    def read(self, data: AnyPredictions, name: str = "predictions") -> Predictions:
        """The predictions of a file, a frame or arrays; warns about columns that are left out.

        Args:
            name: what messages call a frame or arrays.

        Raises:
            SayselError: see `saysel.files.load_predictions`.
        """
        options: dict[str, Any] = {
            "scale": self.scale,
            "format": self.components.format,
            "judge": self.components.judge,
        }
        if isinstance(data, str | PathLike):
            read = load_predictions(Path(data), self.columns, **options)
        else:
            read = predictions_from_columns(data, self.columns, name=name, **options)
        for note in read.notes:
            warnings.warn(note, SayselWarning, stacklevel=3)
        return read


def reading(
    columns: Mapping[str, str | Sequence[str]] | None,
    scale: float | None,
    format: object,
    judge: object,
    cluster: str | None,
    metrics: Sequence[object] | None,
) -> Reading:
    """What the options of `saysel.score` and `saysel.compare` say.

    Raises:
        UsageError: an option names no component, or is not written as it has to be.
    """
    named = dict(columns or {})
    if cluster is not None:
        named["cluster"] = cluster
    chosen: dict[str, Any] = {"metric": METRICS if metrics is None else tuple(metrics)}
    chosen |= {"format": format} if format is not None else {}
    chosen |= {"judge": judge} if judge is not None else {}
    try:
        components = Components.model_validate(chosen)
    except ValidationError as error:
        raise UsageError("\n".join(f"--{line}" for line in problems(error, Components))) from None
    return Reading(named, scale, components)
