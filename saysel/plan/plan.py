"""Recipe to steps: which stages run, on what, in which order, under which fingerprint.

A fingerprint hashes a step's components (class, version, options), the settings it reads and
the fingerprints of the steps it builds on. Options marked `NotFingerprinted` are left out. Cells
of a matrix whose fingerprints agree share the step.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from saysel.errors import RecipeError
from saysel.interfaces import (
    Component,
    ContentHashedMarker,
    Estimator,
    Model,
    NotFingerprintedMarker,
    Source,
    Trainer,
)
from saysel.plan.stage_names import DATA, STAGES
from saysel.recipes.recipe import Recipe
from saysel.recipes.values import shortened

BASE = "base"


@dataclass(frozen=True)
class Step:
    """One stage to run once.

    Attributes:
        stage: one of `STAGES`.
        name: the stage, and the phase, model or estimator where there are several.
        fingerprint: 12 hex digits.
        recipe: of the first cell that needs it.
        inputs: the steps whose records it reads, by role.
        trainer, estimator: what a `train` or `evaluate` step runs.
        model: name of the model that a `train` step makes, or that a step after it judges.
    """

    stage: str
    name: str
    fingerprint: str
    recipe: Recipe
    inputs: Mapping[str, Step] = field(default_factory=dict)
    trainer: Trainer | None = None
    estimator: Estimator | None = None
    model: str = BASE

    @property
    def directory(self) -> str:
        """Name of its directory below `stages/`."""
        return f"{shortened(self.name)}-{self.fingerprint}"


@dataclass(frozen=True)
class Cell:
    """One combination of the matrix.

    Attributes:
        label: `rationale=llm,seed=1`; empty without a matrix.
        recipe: the cell's own recipe.
        steps: everything it needs, in order.
    """

    label: str
    recipe: Recipe
    steps: tuple[Step, ...]

    def evaluations(self) -> list[Step]:
        """The steps whose predictions are rows of the report."""
        return [step for step in self.steps if step.stage == "evaluate"]

    def reflections(self) -> list[Step]:
        """The steps whose rationales are measured."""
        return [step for step in self.steps if step.stage == "faithfulness"]

    def grades(self) -> dict[str, Step]:
        """The steps that grade rationales, by the model that wrote them."""
        return {step.model: step for step in self.steps if step.stage == "grade"}


@dataclass(frozen=True)
class Plan:
    """All cells, and their steps once each, in an order in which they can run."""

    cells: tuple[Cell, ...]
    steps: tuple[Step, ...]
    report: Step


def plan(recipe: Recipe, until: str | None = None) -> Plan:
    """The steps of a recipe.

    Args:
        recipe: what is to be run.
        until: the last stage to run. A recipe that trains nothing builds training data only if
            this is one of the stages that do.

    Raises:
        RecipeError: an estimator names a model that no phase trains, is fitted on the split that
            it is judged on, or needs log-probabilities that the sampler does not give; a sampler
            asks a server that does not have the model.
    """
    shared: dict[str, Step] = {}
    cells = []
    for label, cell in recipe.cells():
        steps = tuple(shared.setdefault(step.directory, step) for step in _steps(cell, until))
        cells.append(Cell(label, cell, steps))
    steps = tuple(sorted(shared.values(), key=lambda step: STAGES.index(step.stage)))
    shown = [
        step
        for cell in cells
        for step in (*cell.evaluations(), *cell.reflections(), *cell.grades().values())
    ]
    content = {
        "title": recipe.report.model_dump(),
        "metrics": [
            [identity(metric) for metric in cell.recipe.evaluate.metrics] for cell in cells
        ],
        "cells": [cell.label for cell in cells],
        "source": identity(recipe.source),
        "leaks": recipe.leaks,
    }
    candidates = [
        cell.recipe.evaluate.faithfulness.candidates
        for cell in cells
        if cell.recipe.evaluate.faithfulness
    ]
    if candidates:
        content["candidates"] = candidates
    clusters = [cell.recipe.evaluate.cluster for cell in cells]
    if any(clusters):
        content["clusters"] = clusters
    inputs = {str(number): step for number, step in enumerate(shown)}
    report = Step("report", "report", _fingerprint("report", content, inputs), recipe, inputs)
    return Plan(tuple(cells), (*steps, report), report)


def phases(trainers: tuple[Trainer, ...]) -> list[tuple[str, Trainer]]:
    """Each training phase with the name of the model it makes (`sft`, `ppo`, `ppo-2`)."""
    named: list[tuple[str, Trainer]] = []
    for trainer in trainers:
        uses = [earlier.use for _, earlier in named].count(trainer.use)
        named.append((f"{trainer.use}-{uses + 1}" if uses else trainer.use, trainer))
    return named


def identity(value: Any) -> Any:
    """What of a component or option decides results, in JSON types."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        options = {
            name: identity(getattr(value, name))
            for name, info in fields.items()
            if name != "use"
            and not any(
                isinstance(m, NotFingerprintedMarker | ContentHashedMarker) for m in info.metadata
            )
        }
        if not isinstance(value, Component):
            return options
        kind = f"{type(value).__module__}:{type(value).__qualname__}"
        known = {"class": kind, "version": type(value).version, "options": options}
        content = value.digest() if isinstance(value, Model | Source) else ""
        return {**known, "content": content} if content else known
    if isinstance(value, list | tuple):
        return [identity(item) for item in value]
    if isinstance(value, dict):
        return {str(key): identity(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((identity(item) for item in value), key=repr)
    if isinstance(value, float) and value.is_integer():
        return int(value)  # a default written as 3 and a recipe's 3.0 are the same
    return to_jsonable_python(value)


def _fingerprint(stage: str, content: Mapping[str, Any], inputs: Mapping[str, Step]) -> str:
    above = {role: step.fingerprint for role, step in inputs.items()}
    text = json.dumps([stage, content, above], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _unfit(recipe: Recipe) -> list[str]:
    """What keeps estimators from working with the rest of the recipe, one line each."""
    judged_on, found = recipe.evaluate.split, []
    for place, estimator in enumerate(recipe.evaluate.estimators):
        at = f"evaluate.estimators[{place}]"
        if judged_on in estimator.splits():
            found.append(
                f"{at}: would be fitted on the split '{judged_on}', on which it is judged "
                "(evaluate.split): fit it on another"
            )
        asked = recipe.evaluate.sampler or recipe.sample
        if estimator.needs_logprobs() and not asked.gives_logprobs():
            found.append(
                f"{at}: '{estimator.use}' needs log-probabilities, and the sampler "
                f"'{asked.use}' gives none: use one that does, such as transformers"
            )
    return found


def _out_of_reach(recipe: Recipe) -> list[str]:
    """Models that trainers cannot train or samplers cannot ask, one line each."""
    model, found = recipe.model, []
    samplers = {"sample": recipe.sample}
    if recipe.evaluate.sampler is not None:
        samplers["evaluate.sampler"] = recipe.evaluate.sampler
    if model.remote and recipe.train:
        found.append(
            f"train: the model '{model.use}' lies at a server and cannot be trained: use "
            "pretrained, or leave train empty"
        )
    if recipe.train and model.needs_adapter() and not recipe.train[0].makes_adapter():
        found.append(
            f"train[0].lora: '{recipe.train[0].use}' without an adapter trains all weights, which "
            "cannot be done on a quantized model: set lora, e.g. {r: 16, alpha: 32}, or load the "
            "model without quantization"
        )
    for at, sampler in samplers.items():
        if model.remote and not sampler.remote:
            found.append(
                f"{at}: '{sampler.use}' loads models, and '{model.use}' lies at a server: use "
                "openai or anthropic"
            )
        if sampler.remote and not model.remote and not recipe.train:
            found.append(
                f"model: the sampler '{sampler.use}' asks a server: name its model with "
                "{use: remote, name: …}"
            )
    at, last = list(samplers.items())[-1]
    if recipe.train and last.remote:
        found.append(
            f"{at}: '{last.use}' asks a server, which does not have the models that train makes: "
            "name a sampler that loads them, e.g. evaluate.sampler=transformers"
        )
    return found


def _steps(recipe: Recipe, until: str | None) -> list[Step]:
    """The steps of one cell, in order."""
    steps: list[Step] = []

    def add(stage: str, content: dict[str, Any], name: str = "", **options: Any) -> Step:
        inputs = options.pop("inputs", {})
        fingerprint = _fingerprint(stage, content, inputs)
        step = Step(stage, name or stage, fingerprint, recipe, inputs, **options)
        steps.append(step)
        return step

    seed = recipe.seed
    source = {"source": identity(recipe.source)}
    written = identity(recipe.format)
    model = add(
        "model", {"model": identity(recipe.model), **source, "format": written, "seed": seed}
    )
    models = {BASE: model}
    if recipe.train or until in DATA:
        sampled = {"sampler": identity(recipe.sample), **source, "format": written, "seed": seed}
        sample = add("sample", sampled, inputs={"model": model})
        cluster = add("cluster", {"clusterer": identity(recipe.cluster)}, inputs={"sample": sample})
        rationale = add(
            "rationale", {"writer": identity(recipe.rationale)}, inputs={"cluster": cluster}
        )
        target = add(
            "target",
            {"target": identity(recipe.target), "judge": identity(recipe.judge)},
            inputs={"sample": sample, "cluster": cluster, "rationale": rationale},
        )
        latest = model
        for name, trainer in phases(recipe.train):
            content = {"trainer": identity(trainer), "seed": seed}
            if trainer.uses_eval_temperature:
                content["temperature"] = recipe.evaluate.temperature
            latest = add(
                "train",
                content,
                name=f"train-{name}",
                inputs={"model": latest, "target": target, "sample": sample},
                trainer=trainer,
                model=name,
            )
            models[name] = latest
    wrong = [
        f"evaluate.estimators[{place}].models: no training phase makes '{name}'; there are "
        f"{', '.join(models)}"
        for place, estimator in enumerate(recipe.evaluate.estimators)
        for name in estimator.models or ()
        if name not in models
    ]
    reflecting = recipe.evaluate.faithfulness
    wrong += [
        f"evaluate.faithfulness.models: no training phase makes '{name}'; there are "
        f"{', '.join(models)}"
        for name in (reflecting and reflecting.models) or ()
        if name not in models
    ]
    wrong += _unfit(recipe) + _out_of_reach(recipe)
    if wrong:
        raise RecipeError(recipe.name, wrong)
    asker = identity(recipe.evaluate.sampler or recipe.sample)
    del asker["options"]["n"]  # estimators say themselves how many replies they want
    asked = {
        "sampler": asker,
        "clusterer": identity(recipe.cluster),
        "judge": identity(recipe.judge),
        "format": written,
        **source,
        "split": recipe.evaluate.split,
        "temperature": recipe.evaluate.temperature,
        "seed": seed,
    }
    if recipe.leaks == "drop":
        asked["leaks"] = "drop"
    for name, trained in models.items():
        for place, estimator in enumerate(recipe.evaluate.estimators):
            if estimator.models is not None and name not in estimator.models:
                continue
            same = [other.use for other in recipe.evaluate.estimators[:place]].count(estimator.use)
            estimated = identity(estimator.model_copy(update={"models": None}))
            add(
                "evaluate",
                {"estimator": estimated, **asked},
                name=f"evaluate-{name}-{estimator.use}" + (f"-{same + 1}" if same else ""),
                inputs={"model": trained},
                estimator=estimator,
                model=name,
            )
    if reflecting is None:
        return steps
    for name, trained in models.items():
        if reflecting.models is not None and name not in reflecting.models:
            continue
        reflected = add(
            "faithfulness",
            {"n": reflecting.n, **asked},
            name=f"faithfulness-{name}",
            inputs={"model": trained},
            model=name,
        )
        if reflecting.grader is not None:
            add(
                "grade",
                {"grader": identity(reflecting.grader), "seed": seed},
                name=f"grade-{name}",
                inputs={"reflections": reflected},
                model=name,
            )
    return steps
