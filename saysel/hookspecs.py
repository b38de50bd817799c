"""The hooks: one per kind of component, one for recipes, one for old names, four for runs.

A component hook returns names and the classes they stand for, `{"name": "package.module:Class"}`;
the class is imported when a recipe uses the name. The recipe hook returns names and files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pluggy

PROJECT = "saysel"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

#: The kinds of components, each with the interface that its classes implement.
INTERFACES = {
    "model": "saysel.interfaces:Model",
    "source": "saysel.interfaces:Source",
    "sampler": "saysel.interfaces:Sampler",
    "clusterer": "saysel.interfaces:Clusterer",
    "rationale": "saysel.interfaces:RationaleWriter",
    "target": "saysel.interfaces:Target",
    "format": "saysel.interfaces:Format",
    "judge": "saysel.interfaces:Judge",
    "reward": "saysel.interfaces:RewardFn",
    "trainer": "saysel.interfaces:Trainer",
    "estimator": "saysel.interfaces:Estimator",
    "metric": "saysel.interfaces:Metric",
    "engine": "saysel.interfaces:Engine",
}


@hookspec
def saysel_models() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Where a causal LM comes from: subclasses of `Model`."""


@hookspec
def saysel_sources() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Questions by split: subclasses of `Source`."""


@hookspec
def saysel_samplers() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Prompts to responses: subclasses of `Sampler`."""


@hookspec
def saysel_clusterers() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Responses to a partition: subclasses of `Clusterer`."""


@hookspec
def saysel_rationales() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Clusters to a first-person rationale: subclasses of `RationaleWriter`."""


@hookspec
def saysel_targets() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Clusters to the response and confidence to learn: subclasses of `Target`."""


@hookspec
def saysel_formats() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Writing and reading replies: subclasses of `Format`."""


@hookspec
def saysel_judges() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Parsed answer to correctness: subclasses of `Judge`."""


@hookspec
def saysel_rewards() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Correctness and confidence to a reward: subclasses of `RewardFn`."""


@hookspec
def saysel_trainers() -> Mapping[str, str]:  # type: ignore[empty-body]
    """A model and data to a trained model: subclasses of `Trainer`."""


@hookspec
def saysel_estimators() -> Mapping[str, str]:  # type: ignore[empty-body]
    """A model and questions to answers and confidences: subclasses of `Estimator`."""


@hookspec
def saysel_metrics() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Predictions to a number: subclasses of `Metric`."""


@hookspec
def saysel_engines() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Running shards: subclasses of `Engine`."""


@hookspec
def saysel_recipes() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Recipes to run and extend by name: `{"name": "package:folder/file.yaml"}`."""


@hookspec
def saysel_renamed() -> Mapping[str, Mapping[str, str]]:  # type: ignore[empty-body]
    """Old names of components by kind, with today's: `{"metric": {"old_name": "new_name"}}`."""


@hookspec
def saysel_run_started(directory: Path, recipe: Mapping[str, Any]) -> None:
    """Called when a run starts, with its directory and the resolved recipe."""


@hookspec
def saysel_event(directory: Path, event: Mapping[str, Any]) -> None:
    """Called with each line of `events.jsonl` as it is written, training figures included."""


@hookspec
def saysel_stage_finished(directory: Path, stage: str, record: Mapping[str, Any]) -> None:
    """Called when a stage is done, with its entry in the manifest (seconds, tokens, memory …)."""


@hookspec
def saysel_run_finished(directory: Path, metrics: Mapping[str, Any]) -> None:
    """Called when a run is done, with the content of `report/metrics.json`."""
