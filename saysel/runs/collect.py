"""Takes finished steps from other run directories, so that they need not run again.

A step's directory is named by its fingerprint, so a step of the same name elsewhere has the same
result. The cells of a matrix run can therefore be made in several places, such as the jobs of a
cluster, and put together afterwards:

    RUN/cells/3        the run directory of `saysel run RECIPE --cell 3`
    RUN                collects from all of them
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from saysel.display.terminal import echo
from saysel.errors import UsageError
from saysel.plan.stage import Stage
from saysel.storage import DONE, disk_error, mirrors, verify

#: Folder of a matrix run with the run directories of single cells.
CELLS = "cells"


def cell_directory(run: Path, number: int) -> Path:
    """The run directory of one cell of a matrix run."""
    return run / CELLS / str(number)


def cells_of(run: Path) -> list[Path]:
    """The run directories of the cells of a matrix run that were run with `--cell`."""
    found = {*(run / CELLS).glob("*"), *mirrors.runs_below(run / CELLS)}
    return sorted(found, key=lambda cell: (len(cell.name), cell.name))


def places(run: Path, others: Sequence[Path] = ()) -> list[Path]:
    """Run directories that may have steps of a run: its cells, the run of its cell, and others.

    Raises:
        UsageError: one of the others is no run directory.
    """
    for other in others:
        if not (other / "stages").is_dir() and mirrors.mirror_of(other) is None:
            raise UsageError(f"{other}: not a run directory, it has no stages to collect")
    whole = run.parent.parent if run.parent.name == CELLS else run
    return [place for place in (*others, whole, *cells_of(whole)) if place != run]


def collect(steps: Iterable[Stage], run: Path, others: Sequence[Path]) -> list[Stage]:
    """Copy the steps that other run directories have finished.

    Args:
        steps: those that are not finished in the run.
        others: where they may be.

    Files are hard links where the file system allows it.

    Returns:
        The steps that were copied.

    Raises:
        DamagedFile: the files of a step are not those that were written.
        StageError: they cannot be copied.
    """
    collected = []
    for step in steps:
        source = finished_in(others, step)
        if source is not None:
            verify(step.directory_in(source))
            _copy(step.directory_in(source), step.directory_in(run))
            collected.append(step)
    if collected:
        echo(f"{run}: {len(collected)} finished steps collected from other directories", err=True)
    return collected


def finished_in(places: Sequence[Path], step: Stage) -> Path | None:
    """The first run directory that a finished step can be taken from."""
    return next((place for place in places if step.is_collected and _has(place, step)), None)


def _has(place: Path, step: Stage) -> bool:
    mirrors.bring(step.directory_in(place))
    return (step.directory_in(place) / DONE).is_file()


def _copy(source: Path, target: Path) -> None:
    """Copy a directory; the copy appears complete or not at all."""
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        shutil.copytree(source, partial, copy_function=_link)
        shutil.rmtree(target, ignore_errors=True)  # what was begun here
        partial.rename(target)
    except OSError as error:
        raise disk_error(error, target) from error
    mirrors.wrote(target)


def _link(source: str, target: str) -> None:
    with suppress(OSError):  # another file system
        os.link(source, target)
        return
    shutil.copy2(source, target)
