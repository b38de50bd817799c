"""What a stage gets when it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saysel.interfaces import Progress
from saysel.records import ModelRef
from saysel.storage.models import read_model, write_model
from saysel.storage.shards import read_records

if TYPE_CHECKING:
    from saysel.plan.stage import Stage


@dataclass(frozen=True)
class StageContext:
    """What a stage gets when it runs.

    Attributes:
        run_directory: the run's directory.
        directory: the step's own; nothing else writes there.
        progress: where to report how far it is.
        log: records figures of training as an event.
        manifest: content of the run's manifest so far.
        smoke: whether this is a `--smoke` run.
    """

    run_directory: Path
    directory: Path
    progress: Progress
    log: Callable[..., None]
    manifest: Mapping[str, Any] = field(default_factory=dict)
    smoke: bool = False

    def records(self, step: Stage, record: type[Any]) -> Iterator[Any]:
        """The records of a finished step.

        Raises:
            DamagedFile: they are not what was written.
        """
        return read_records(step.directory_in(self.run_directory), record)

    def model(self, step: Stage) -> ModelRef:
        """The model that a finished step made.

        Raises:
            DamagedFile: its files are not what was written.
        """
        return read_model(self.run_directory, step.directory_in(self.run_directory))

    def keep_model(self, model: ModelRef) -> None:
        """Record where the model is that this step made."""
        write_model(self.run_directory, self.directory, model)


def without_output(context: StageContext) -> StageContext:
    """The context for another process of the run, which reports and records nothing."""
    return replace(context, progress=NoProgress(), log=no_log)


class NoProgress(Progress):
    """Shows nothing."""

    def begin(self, total: int, unit: str) -> None:
        """See the interface."""

    def advance(self, units: int = 1) -> None:
        """See the interface."""


def no_log(**values: Any) -> None:
    """Records nothing."""
