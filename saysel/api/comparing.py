"""Compares predictions for the same questions, metric by metric."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import NamedTuple

from saysel.api.predictions import AnyPredictions, Reading, reading
from saysel.api.rows import methods_of_run, settings_of_run
from saysel.api.run_directory import Run
from saysel.errors import SayselWarning, UsageError
from saysel.files import Predictions
from saysel.files.tables import STANDARD_INPUT
from saysel.plan.cell_choice import chosen_cell
from saysel.recipes.matrix import axes
from saysel.scoring import Comparison, Method, pool
from saysel.scoring import compare as compare_methods

Cells = Sequence[str | int]
AnyMethod = AnyPredictions | Run | Method


class Located(NamedTuple):
    """A method, and the place that tells it from others of its name."""

    place: Path
    method: Method


def compare(
    *methods: AnyMethod,
    names: Sequence[str] | None = None,
    columns: Mapping[str, str | Sequence[str]] | None = None,
    where: Mapping[str, object] | None = None,
    by: str | None = None,
    scale: float | None = None,
    format: object = None,
    judge: object = None,
    cluster: str | None = None,
    metrics: Sequence[object] | Mapping[str, object] | None = None,
    intersect: bool = False,
    resamples: int | None = None,
    seed: int = 0,
    cell: str | int | Sequence[str | int] | None = None,
    out: str | PathLike[str] | None = None,
) -> Comparison:
    """Compare predictions for the same questions with those of the first method.

        saysel.compare("runs/quickstart:sft", "runs/quickstart:ppo")
        saysel.compare("before.csv", "after.csv", metrics=["brier", "auroc"])
        saysel.compare(frame, other_frame, names=["before", "after"])

    Every metric is compared on the same bootstrap resamples of the questions, and p-values are
    corrected for the number of tests (Holm).

    Args:
        methods: runs, run directories, files of predictions, pandas or polars frames, or mappings
            of arrays. A run alone is compared row by row; among others it stands for its last
            model. `RUN:MODEL` and `RUN:MODEL:ESTIMATOR` name a row. A matrix run alone is compared
            setting by setting, with its seeds pooled.
        names: of the methods, one each; by default the names of files and rows, and `method 2`
            for a frame.
        columns, where, scale, format, judge, cluster, metrics: see `saysel.score`; they hold for
            all files.
        by: the column of a file or frame that names the method of a row: every value is a method.
        intersect: leave out questions that not all methods have.
        resamples: bootstrap samples of the questions; by default 10,000, or 200 for each test if
            that is more.
        seed: of the resampling.
        cell: the cell of matrix runs: its number, its label, or a part of it that no other cell
            has; or several of them. By default all cells.
        out: a directory for `index.html` and `comparison.csv`; by default none is written.

    Raises:
        SayselError: there is nothing to compare, a file cannot be read, the questions differ and
            `intersect` is not set.
    """
    how = reading(columns, where, scale, format, judge, cluster, metrics)
    given = [*how.given, *(["--by"] if by is not None else [])]
    if given and not any(_is_read(method) for method in methods):
        raise UsageError(
            f"{', '.join(given)}: only for files of predictions, and no file is compared: "
            "leave it out"
        )
    alone = len(methods) == 1
    cells: Cells = [cell] if isinstance(cell, str | int) else cell or ()
    if alone and not cells and (matrix := _matrix_run(methods[0])) is not None:
        run, wanted = matrix
        settings = settings_of_run(run.directory, run.plan, wanted)
        comparison = pool(settings, how.components.metric, None, resamples, seed).comparison()
        return _written(comparison, out)
    located = [
        pair
        for number, method in enumerate(methods, 1)
        for pair in _located(method, f"method {number}", how, by, cells, alone)
    ]
    comparison = compare_methods(
        _named(located, names), how.components.metric, intersect, resamples, seed
    )
    return _written(comparison, out)


def _written(comparison: Comparison, out: str | PathLike[str] | None) -> Comparison:
    if out is not None:
        from saysel.report.comparison import write

        write(comparison, Path(out))
    return comparison


def _matrix_run(method: AnyMethod) -> tuple[Run, Sequence[str]] | None:
    """A matrix run with several settings, and the row of it that is wanted, if it is one."""
    named: tuple[Run, Sequence[str]] | None = None
    if isinstance(method, Run):
        named = (method, ())
    elif isinstance(method, str | PathLike) and not _is_file(method):
        named = _named_run(fspath(method))
    if named is None:
        return None
    settings = [axis for axis in axes(named[0].recipe.matrix) if not axis.is_seed]
    return named if any(len(axis.choices) > 1 for axis in settings) else None


def _named_run(argument: str) -> tuple[Run, Sequence[str]] | None:
    """The run of `RUN`, `RUN:MODEL` or `RUN:MODEL:ESTIMATOR`, and the names after it."""
    for colons in range(3):
        directory, *wanted = argument.rsplit(":", colons)
        if Run.exists(directory):
            return Run(directory), wanted
    return None


def _is_read(method: AnyMethod) -> bool:
    """Whether it holds predictions made elsewhere, which options say how to read."""
    return _is_file(method) or not isinstance(method, str | PathLike | Run | Method)


def _is_file(method: AnyMethod) -> bool:
    if not isinstance(method, str | PathLike):
        return False
    return Path(method) == STANDARD_INPUT or Path(method).is_file()


def _located(
    method: AnyMethod, name: str, how: Reading, by: str | None, wanted_cells: Cells, alone: bool
) -> Iterator[Located]:
    """What an argument of `compare` stands for.

    Args:
        name: of a frame or arrays.

    Raises:
        UsageError: there is no such file, run or row, or the run has no predictions there yet.
        DataError: see `saysel.files.load_predictions`.
    """
    if isinstance(method, Method):
        yield Located(Path(), method)
    elif isinstance(method, Run):
        yield from _of_run(method, (), wanted_cells, alone)
    elif not isinstance(method, str | PathLike):
        yield from _read(method, Path(name), how, by, alone)
    elif _is_file(method):
        yield from _read(method, Path(method), how, by, alone)
    else:
        named = _named_run(fspath(method))
        if named is None:
            raise UsageError(f"{fspath(method)}: no such file of predictions, and no run directory")
        run, wanted = named
        yield from _of_run(run, wanted, wanted_cells, alone)


def _of_run(run: Run, wanted: Sequence[str], chosen: Cells, alone: bool) -> Iterator[Located]:
    cells = run.plan.cells
    if chosen:
        cells = tuple(chosen_cell(run.directory, run.plan, cell) for cell in chosen)
    for method in methods_of_run(run.directory, run.plan, cells, wanted, alone):
        yield Located(run.directory, method)


def _read(
    data: AnyPredictions, path: Path, how: Reading, by: str | None, alone: bool
) -> Iterator[Located]:
    """Predictions made elsewhere, under the name of their file or, with `by`, of their method."""
    if by is None:
        yield _of_table(how.read(data, path.name), path, path.name)
        return
    for method, table in how.read_by(data, by, path.name).items():
        yield _of_table(table, path, method if alone else f"{path.name}: {method}")


def _of_table(table: Predictions, path: Path, name: str) -> Located:
    # Without a column for it, a question's text is its id.
    known = "question" in table.columns
    texts = {q.id: q.prompt for q in table.questions.values()} if known else {}
    if not known and "id" not in table.columns:
        warnings.warn(
            f"{path}: no column is recognised as 'id': its rows are paired by their order",
            SayselWarning,
            stacklevel=5,
        )
    return Located(path, Method(name, table.predictions, texts, table.clusters))


def _named(located: Sequence[Located], names: Sequence[str] | None) -> list[Method]:
    """The methods with the given names, or with distinct default names."""
    if names is None:
        return _with_distinct_names(located)
    if len(names) != len(located):
        raise UsageError(f"names: {len(names)} names for {len(located)} methods: give one each")
    return [replace(method, name=name) for name, (_, method) in zip(names, located, strict=True)]


def _with_distinct_names(located: Sequence[Located]) -> list[Method]:
    """The methods; those of one name are told apart by the folders that they are in."""
    places: dict[str, list[Path]] = {}
    for place, method in located:
        places.setdefault(method.name, []).append(place)
    return [
        replace(method, name=_distinct(method.name, place, places[method.name]))
        for place, method in located
    ]


def _distinct(name: str, place: Path, places: Sequence[Path]) -> str:
    """The name after as many folders as it takes to differ from the others of this name.

    Args:
        places: of all methods of the name.
    """
    parts = place.resolve().parts
    others = {other.resolve().parts for other in places} - {parts}
    for depth in range(1, len(parts) if others else 0):
        if all(other[-depth - 1 :] != parts[-depth - 1 :] for other in others):
            return "/".join([*parts[-depth - 1 : -1], name])
    return name
