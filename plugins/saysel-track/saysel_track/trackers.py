"""The trackers, each a few lines on its own library.

A tracker is built when a run starts, and finished when the run ends, fails or is interrupted. Where
it writes, and whether it is offline, is set by the library's own environment variables.
"""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: The project or experiment that runs are filed under, unless the library's own variable names one.
PROJECT = "saysel"

#: How long MLflow tries its first request, unless its own variables say otherwise: at most about
#: half a minute. Its defaults are minutes, meant for servers that are known to be there.
FIRST_REQUEST = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
#: What MLflow does about a server that does not answer, for a request that may be lost.
AT_ONCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "3"}


class Tracker(ABC):
    """One run in a tracker."""

    @abstractmethod
    def figures(self, stage: str, values: dict[str, float], step: int) -> None:
        """Record values of a stage; their names begin with `STAGE/`."""

    @abstractmethod
    def finals(self, values: dict[str, float]) -> None:
        """Record the final scores."""

    @abstractmethod
    def finish(self, failed: bool) -> None:
        """End the run, which may have failed or been interrupted."""

    def abandon(self) -> None:  # noqa: B027
        """Mark the run as failed after an error of the tracker, if this needs no waiting."""


class Wandb(Tracker):
    """Weights & Biases: `WANDB_MODE`, `WANDB_PROJECT`, `WANDB_DIR`."""

    def __init__(self, directory: Path, recipe: Mapping[str, Any]) -> None:
        import wandb

        self.run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=directory.name,
            config=dict(recipe),
        )
        self.stages: set[str] = set()

    def figures(self, stage: str, values: dict[str, float], step: int) -> None:
        # A stage counts its own steps, and those of wandb only grow.
        if stage not in self.stages:
            self.stages.add(stage)
            self.run.define_metric(f"{stage}/*", step_metric=f"{stage}/step")
        self.run.log({**values, f"{stage}/step": step})

    def finals(self, values: dict[str, float]) -> None:
        self.run.summary.update(values)

    def finish(self, failed: bool) -> None:
        self.run.finish(exit_code=int(failed))


class Mlflow(Tracker):
    """MLflow: `MLFLOW_TRACKING_URI`, `MLFLOW_EXPERIMENT_NAME`."""

    def __init__(self, directory: Path, recipe: Mapping[str, Any]) -> None:
        from mlflow import MlflowClient

        self.client = MlflowClient()
        experiment = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
        unset = {name: value for name, value in FIRST_REQUEST.items() if name not in os.environ}
        with _environment(unset):
            found = self.client.get_experiment_by_name(experiment)
        id = found.experiment_id if found else self.client.create_experiment(experiment)
        self.run = self.client.create_run(id, run_name=directory.name).info.run_id
        self.client.log_dict(self.run, dict(recipe), "recipe.json")

    def figures(self, stage: str, values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            self.client.log_metric(self.run, _accepted_by_mlflow(name), value, step=step)

    def finals(self, values: dict[str, float]) -> None:
        self.figures("", values, 0)

    def finish(self, failed: bool) -> None:
        self.client.set_terminated(self.run, status="FAILED" if failed else "FINISHED")

    def abandon(self) -> None:
        with _environment(AT_ONCE):
            self.finish(failed=True)


class TensorBoard(Tracker):
    """TensorBoard: event files in `tensorboard/` of the run directory."""

    def __init__(self, directory: Path, recipe: Mapping[str, Any]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(directory / "tensorboard"))

    def figures(self, stage: str, values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)
        self.writer.flush()

    def finals(self, values: dict[str, float]) -> None:
        self.figures("", values, 0)

    def finish(self, failed: bool) -> None:
        self.writer.close()


class Trackio(Tracker):
    """Trackio: `TRACKIO_DIR`, `TRACKIO_SPACE_ID`."""

    def __init__(self, directory: Path, recipe: Mapping[str, Any]) -> None:
        import trackio

        self.run = trackio.init(project=PROJECT, name=directory.name, config=dict(recipe))

    def figures(self, stage: str, values: dict[str, float], step: int) -> None:
        self.run.log({**values, f"{stage}/step": step})

    def finals(self, values: dict[str, float]) -> None:
        self.run.log(values)

    def finish(self, failed: bool) -> None:
        self.run.finish()


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables inside this block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _accepted_by_mlflow(name: str) -> str:
    """Labels of cells, and metrics with options, contain characters that MLflow refuses."""
    return re.sub(r"[^\w./-]+", " ", name).strip()


#: By the name that users write.
TRACKERS: dict[str, Callable[[Path, Mapping[str, Any]], Tracker]] = {
    "wandb": Wandb,
    "mlflow": Mlflow,
    "tensorboard": TensorBoard,
    "trackio": Trackio,
}
