"""What may be given as predictions, and how they are read."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from saysel.errors import SayselWarning, UsageError
from saysel.files import (
    Predictions,
    load_predictions,
    predictions_by,
    predictions_from_columns,
)
from saysel.files.frames import Frame
from saysel.files.several import joined
from saysel.files.tables import STANDARD_INPUT
from saysel.interfaces import Format, Judge, Metric
from saysel.mirror import fetched_file
from saysel.recipes.evaluate import METRICS
from saysel.recipes.problems import problems

#: A file, a pandas or polars frame, or a mapping from column names to arrays or lists.
AnyPredictions = str | PathLike[str] | Frame | Mapping[str, Iterable[object]]

#: Share of the rows that may repeat a question without a remark: two questions may have one text,
#: and so few repeats hardly change an interval.
MAX_REPEATS = 0.1


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
        where: values by column; only rows that have all of them are used.
        scale: the number that stands for certainty; `None`: 1, or the format's own.
        components: what reads replies, judges answers and measures.
    """

    columns: Mapping[str, str | Sequence[str]]
    where: Mapping[str, str]
    scale: float | None
    components: Components

    @property
    def given(self) -> tuple[str, ...]:
        """The options that were given and say how predictions are read."""
        values = {
            "--column": {role: name for role, name in self.columns.items() if role != "cluster"},
            "--cluster": self.columns.get("cluster"),
            "--where": self.where,
            "--scale": self.scale,
            "--format": self.components.format,
            "--judge": self.components.judge,
        }
        return tuple(option for option, value in values.items() if value not in (None, {}))

    def read(
        self,
        data: AnyPredictions | Sequence[str | PathLike[str]],
        name: str = "predictions",
    ) -> Predictions:
        """The predictions of files, a frame or arrays.

        Warns about columns that are left out, and about questions that occur several times.

        Args:
            name: what messages call a frame or arrays.

        Raises:
            SayselError: see `saysel.files.load_predictions`.
        """
        if isinstance(data, str | PathLike | list | tuple):
            files = paths_in(data)
            parts = [load_predictions(file, self.columns, **self._options) for file in files]
            names = [name_of(file) for file in files]
            distinct = len(set(names)) == len(names)
            read = joined(parts, names if distinct else list(map(str, files)))
        else:
            frame: Any = data
            read = predictions_from_columns(frame, self.columns, name=name, **self._options)
        _warn(read)
        return read

    def read_by(self, data: AnyPredictions, by: str, name: str) -> dict[str, Predictions]:
        """The predictions of each method in a file, a frame or arrays, see `predictions_by`."""
        source: Any = fetched_file(Path(data)) if isinstance(data, str | PathLike) else data
        methods = predictions_by(source, by, self.columns, name=name, **self._options)
        for read in methods.values():
            _warn(read)
        return methods

    @property
    def _options(self) -> dict[str, Any]:
        return {
            "where": self.where,
            "scale": self.scale,
            "format": self.components.format,
            "judge": self.components.judge,
        }


def _warn(read: Predictions) -> None:
    for note in (*read.notes, *_repeats(read)):
        warnings.warn(note, SayselWarning, stacklevel=4)


def _repeats(read: Predictions) -> Iterator[str]:
    """A remark if many rows have different ids, or none, but the question of another row."""
    if "question" not in read.columns or read.clusters:
        return
    rows = len(read.questions)
    repeats = rows - len({question.prompt for question in read.questions.values()})
    if repeats > MAX_REPEATS * rows:
        column = read.columns["question"]
        yield (
            f"{repeats:,} of {rows:,} rows have the same '{column}' as an earlier row, and count "
            "as different questions: with several rows of a question, intervals are too narrow "
            f"without --cluster {column}; with several methods in a file, choose one with --where "
            "or compare them with --by"
        )


def paths_in(data: object) -> list[Path]:
    """The files that are given, one or a list of them; none for a frame or arrays."""
    paths = [data] if isinstance(data, str | PathLike) else data
    if not isinstance(paths, list | tuple):
        return []
    if not paths or not all(isinstance(path, str | PathLike) for path in paths):
        raise UsageError(
            "a list of predictions must be a list of files, and not empty; rows become a frame "
            "with pandas.DataFrame(rows)"
        )
    if len({Path(path) for path in paths}) < len(paths):
        raise UsageError("the same file is given twice: name each once")
    for path in paths:
        if (Path(path) / "recipe.yaml").is_file():
            raise UsageError(
                f"{path}: this is a run directory and has its scores: saysel report {path} shows "
                "them, saysel compare compares its models"
            )
    return [fetched_file(path) for path in paths]


def name_of(*files: Path) -> str:
    """The names of files without their endings: `mine` for `mine.csv.gz`, `mine and 2 more`."""
    first = files[0].with_suffix("") if files[0].suffix.lower() == ".gz" else files[0]
    name = "stdin" if first == STANDARD_INPUT else first.stem
    return name if len(files) == 1 else f"{name} and {len(files) - 1} more"


def reading(
    columns: Mapping[str, str | Sequence[str]] | None,
    where: Mapping[str, object] | None,
    scale: float | None,
    format: object,
    judge: object,
    cluster: str | None,
    metrics: Sequence[object] | Mapping[str, object] | None,
) -> Reading:
    """What the options of `saysel.score` and `saysel.compare` say.

    Raises:
        UsageError: an option names no component, or is not written as it has to be.
    """
    named = dict(columns or {})
    if cluster is not None:
        named["cluster"] = cluster
    if metrics is None:
        metrics = METRICS
    elif isinstance(metrics, (str, Mapping)):
        metrics = [metrics]
    chosen: dict[str, Any] = {"metric": tuple(metrics)}
    chosen |= {"format": format} if format is not None else {}
    chosen |= {"judge": judge} if judge is not None else {}
    try:
        components = Components.model_validate(chosen)
    except ValidationError as error:
        raise UsageError("\n".join(f"--{line}" for line in problems(error, Components))) from None
    values = {column: str(value) for column, value in (where or {}).items()}
    return Reading(named, values, scale, components)
