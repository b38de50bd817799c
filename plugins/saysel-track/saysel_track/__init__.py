"""Sends what happens in a run to the trackers that `SAYSEL_TRACK` names.

The figures of every training step are named `STAGE/FIGURE`. A finished stage gives `STAGE/seconds`
and `STAGE/tokens`, and the final scores are named `MODEL/ESTIMATOR/METRIC`. A tracker that
cannot be started is an error before any work. One that fails later is left out from then on, with a
warning: it never stops a run.
"""

from __future__ import annotations

import atexit
import os
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import saysel
from saysel.errors import SayselWarning, UsageError
from saysel_track.trackers import TRACKERS, Tracker

#: The variable that names trackers, separated by commas.
VARIABLE = "SAYSEL_TRACK"
#: Values of a training event that are no figures.
NOT_FIGURES = frozenset({"time", "event", "stage", "step"})

_trackers: dict[str, Tracker] = {}
#: The stages of the run that share their name with others, in the cells of a matrix.
_repeated: set[str] = set()
_names: dict[str, str] = {}


@saysel.hookimpl
def saysel_run_started(directory: Path, recipe: Mapping[str, Any]) -> None:
    """Start the trackers.

    Raises:
        UsageError: there is no such tracker, its package is not installed, or it cannot be started.
    """
    for name in filter(None, map(str.strip, os.environ.get(VARIABLE, "").split(","))):
        if name not in TRACKERS:
            raise UsageError(
                f"{VARIABLE}={name}: there is no such tracker: use {', '.join(TRACKERS)}"
            )
        try:
            _trackers[name] = TRACKERS[name](directory, recipe)
        except ImportError as error:
            raise UsageError(
                f'{VARIABLE}={name}: {error}: pip install "saysel-track[{name}]"'
            ) from None
        except Exception as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise UsageError(
                f"{VARIABLE}={name}: {name} cannot be started ({reason}): check its settings and "
                f"the network, or take {name} out of {VARIABLE}"
            ) from error


@saysel.hookimpl
def saysel_event(event: Mapping[str, Any]) -> None:
    """Send the figures of a training step, or of a finished stage."""
    kind = event["event"]
    if kind == "run_started":  # before `saysel_run_started`
        _finish(failed=True)
        counts = Counter(step["stage"] for step in event["steps"])
        _repeated.update(name for name, count in counts.items() if count > 1)
    elif kind == "stage_started":
        stage = event["stage"]
        _names[stage] = f"{stage}-{event['fingerprint']}" if stage in _repeated else stage
    elif kind == "training":
        figures = {key: value for key, value in event.items() if key not in NOT_FIGURES}
        _send(_names[event["stage"]], figures, int(event.get("step", 0)))
    elif kind == "stage_finished":
        figures = {key: event[key] for key in ("seconds", "tokens", "cost") if key in event}
        _send(_names[event["stage"]], figures, 0)
    elif kind in ("run_finished", "run_stopped"):
        _finish(failed=False)
    elif kind in ("stage_failed", "interrupted"):
        _finish(failed=True)


@saysel.hookimpl
def saysel_run_finished(metrics: Mapping[str, Any]) -> None:
    """Send the final scores."""
    scores = {}
    for row in metrics["rows"]:
        parts = [row["cell"], row["model"], row["estimator"]]
        for name, score in row["metrics"].items():
            scores["/".join([*filter(None, parts), name])] = score["value"]
    _each(lambda tracker: tracker.finals(_numbers(scores)))


def _send(stage: str, figures: Mapping[str, Any], step: int) -> None:
    numbers = _numbers({f"{stage}/{name}": value for name, value in figures.items()})
    if numbers:
        _each(lambda tracker: tracker.figures(stage, numbers, step))


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {key: float(value) for key, value in values.items() if isinstance(value, int | float)}


def _each(do: Callable[[Tracker], object]) -> None:
    """Do something with each tracker; one that fails is left out from then on."""
    for name, tracker in list(_trackers.items()):
        try:
            do(tracker)
        except Exception as error:
            del _trackers[name]
            with suppress(Exception):  # the same error, usually
                tracker.abandon()
            reason = " ".join(str(error).split())[:200]
            warnings.warn(
                f"{name} has stopped tracking, the run continues: {type(error).__name__}: {reason}",
                SayselWarning,
                stacklevel=2,
            )


def _finish(failed: bool) -> None:
    _each(lambda tracker: tracker.finish(failed))
    for state in (_trackers, _repeated, _names):
        state.clear()


atexit.register(_finish, failed=True)  # nothing is left to finish unless the run broke off
