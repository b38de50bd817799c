"""Runs one step: its events, progress, failures, manifest entry and marker."""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from saysel.costs.ledger import Ledger, warnings
from saysel.display.batch_progress import generation_goes_to
from saysel.errors import SayselError, StageError
from saysel.plan.context import StageContext
from saysel.plan.stage import Cell, Stage
from saysel.prompting.quoting import one_line
from saysel.replies.stage_records import note, problems
from saysel.runs.events import Events
from saysel.runs.manifest import Manifest, peak_memory, reset_peak_memory
from saysel.runs.progress import StageProgress
from saysel.storage import disk_error, finish, remove_tree

#: Less free space than this after a failure means that the disk was full.
FULL_DISK_BYTES = 1 << 20


class StepRunner:
    """Runs the steps of one run, one after another."""

    def __init__(
        self, run_directory: Path, manifest: Manifest, events: Events, hooks: Any, smoke: bool
    ) -> None:
        self.run_directory = run_directory
        self.manifest = manifest
        self.events = events
        self.hooks = hooks
        self.smoke = smoke

    def run(self, step: Stage, cell: Cell | None) -> None:
        """Run a step and record it.

        Args:
            cell: the first cell that needs it; `None` for a step that reads all cells.

        Raises:
            StageError: it failed; the message names the step, its cell in a matrix, the cause and
                the log.
        """
        directory = step.directory_in(self.run_directory)
        _make(directory)
        self.events.write("stage_started", stage=step.name, fingerprint=step.fingerprint)
        recipe = step.recipe
        ledger = Ledger(self.run_directory, step.directory, recipe.max_cost, recipe.prices)
        started, clock = time.time(), time.monotonic()
        reset_peak_memory()
        with (
            self._failures_recorded(step, cell),
            ledger.opened(),
            StageProgress(
                step.name, partial(self.events.write, "progress", stage=step.name)
            ) as progress,
            generation_goes_to(progress.generated),
        ):
            counts = step.run(self._context(step, directory, progress))
            progress.note = note(counts)
        record: dict[str, Any] = {
            "fingerprint": step.fingerprint,
            "started": started,
            "seconds": round(time.monotonic() - clock, 3),
            "tokens": counts.pop("tokens", 0),
            "peak_memory_mb": peak_memory(),
            "work": {
                "units": progress.done,
                "unit": progress.unit,
                "seconds": round(progress.seconds, 3),
            },
            **counts,
            **ledger.totals(),
        }
        if not self._means_nothing(step, record):
            for line in _advice(record):
                progress.warn(line)
        self._finish(step, directory, record)

    def _means_nothing(self, step: Stage, record: Mapping[str, Any]) -> bool:
        """Whether the replies are those of a model that a smoke run has trained for one step."""
        recipe = step.recipe
        builds_model = recipe.model.work(recipe.source)[0] > 0
        by_base = record.get("replies", {}).get("written_by") == "base"
        return self.smoke and (builds_model or not by_base)

    def _context(self, step: Stage, directory: Path, progress: StageProgress) -> StageContext:
        return StageContext(
            run_directory=self.run_directory,
            directory=directory,
            progress=progress,
            log=partial(self.events.write, "training", stage=step.name),
            manifest=self.manifest.content,
            smoke=self.smoke,
        )

    def _finish(self, step: Stage, directory: Path, record: dict[str, Any]) -> None:
        """Write the marker, then tell the manifest, the events and the plugins."""
        finish(directory, record)
        remove_tree(directory / "checkpoints")
        self.manifest.add(step, record)
        self.events.write("stage_finished", stage=step.name, **record)
        self.hooks.saysel_stage_finished(
            directory=self.run_directory, stage=step.name, record=record
        )

    @contextmanager
    def _failures_recorded(self, step: Stage, cell: Cell | None) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt:
            with suppress(Exception):
                self.events.write("interrupted", stage=step.name)
            raise
        except Exception as error:
            failure = _expected(error, self.run_directory)
            # A full disk takes no event either, and the error of a plugin must not hide this one.
            with suppress(Exception):
                self.events.write(
                    "stage_failed",
                    stage=step.name,
                    error=str(failure),
                    traceback=traceback.format_exc(),
                )
            if isinstance(failure, SayselError):
                of = f" of cell {cell.number} ({cell.label})" if cell and cell.label else ""
                raise StageError(
                    f"stage '{step.name}'{of} failed: {failure} (log: {self.events.path}; what is "
                    "finished is kept, the same command continues from there)"
                ) from error
            raise


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, directory) from error


def _advice(record: Mapping[str, Any]) -> list[str]:
    """Problems of the replies that a stage has read, with two replies each."""
    served = "requests" in record  # the ledger explains why replies of servers are cut or empty
    lines = warnings(record) if served else []
    for problem in problems(record):
        if not (served and problem.name in ("cut", "empty")):
            lines.append(problem.text)
            lines += [f"for example: {one_line(reply)}" for reply in problem.examples]
    return list(dict.fromkeys(lines))


def _expected(error: Exception, run_directory: Path) -> Exception:
    """The error as an expected one, where it is: libraries report a full disk in many ways."""
    if isinstance(error, SayselError):
        return error
    if "No space left" in str(error) or shutil.disk_usage(run_directory).free < FULL_DISK_BYTES:
        return StageError("the disk is full: free some space and run again")
    if isinstance(error, FileNotFoundError) and error.filename:  # a component looked for it
        return StageError(f"{error.filename}: there is no such file: restore it and run again")
    if isinstance(error, OSError) and error.filename:
        return disk_error(error, Path(str(error.filename)))
    return error
