"""The hooks: one per kind of component, one for recipes, then the lifecycle of a run.

A component hook returns names and where their classes lie, `{"name": "package.module:Class"}`;
nothing is imported until a recipe chooses the name. The hook for recipes returns names and files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pluggy

PROJECT = "saysel"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


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
    """A run starts: its directory and the resolved recipe."""


@hookspec
def saysel_stage_finished(directory: Path, stage: str, record: Mapping[str, Any]) -> None:
    """A stage is done: its name and what the manifest says of it (seconds, tokens, memory …)."""


@hookspec
def saysel_run_finished(directory: Path, metrics: Mapping[str, Any]) -> None:
    """A run is done: its directory and the content of `report/metrics.json`."""
