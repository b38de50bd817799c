"""Recipes: which component for which step, with which options.

    name: mine
    source: {use: witness, train: 3000, heldout: 1000}
    train: [sft, {use: ppo, reward: quadratic}]

A bare name `x` stands for `{use: x}`. `extends: NAME` builds on another recipe: mappings are
merged, lists replaced, and a component whose `use` differs replaces the other with its options.
A key left empty takes its default. `matrix: {path: [values]}` makes one cell per combination.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, PrivateAttr, ValidationError, field_validator
from typing_extensions import Self

from saysel import registry
from saysel.errors import RecipeError, UsageError
from saysel.interfaces import (
    Clusterer,
    Component,
    Engine,
    Estimator,
    Format,
    Judge,
    Metric,
    Model,
    Options,
    RationaleWriter,
    Sampler,
    Source,
    Target,
    Trainer,
)
from saysel.recipes.faithfulness import Faithfulness
from saysel.recipes.paths import assign, split
from saysel.recipes.problems import problems
from saysel.recipes.text import parse_yaml, read_yaml
from saysel.recipes.values import MOST_CELLS, name_problem, unusable
from saysel.registry import suggest

METRICS = (
    *("accuracy", "brier", "brier_reliability", "brier_resolution", "brier_uncertainty", "nll"),
    *("ece", {"use": "ece", "bins": 15}, {"use": "ece", "binning": "mass"}, "smooth_ece", "mce"),
    *("mean_overconfidence", "sayself_mae", "auroc", "auprc", "aurc", "eaurc", "augrc", "prr"),
    *("parse_rate", "distinct_confidences", "tokens"),
)


class Evaluate(Options):
    """How models are compared."""

    split: str = Field("heldout", min_length=1, description="the questions to ask")
    temperature: float = Field(0.7, ge=0, description="at which one answer is decoded")
    sampler: Sampler | None = Field(
        None, description="asks the models that are judged; null: the recipe's `sample`"
    )
    estimators: tuple[Estimator, ...] = Field(
        ("verbalized",), min_length=1, validate_default=True, description="ways to get a confidence"
    )
    metrics: tuple[Metric, ...] = Field(
        METRICS, min_length=1, validate_default=True, description="what to measure"
    )
    cluster: str | None = Field(
        None,
        min_length=1,
        description="entry of the questions' `meta` that groups questions which belong together, "
        "such as a relation or a shared passage: intervals and tests treat a group as one; null: "
        "all questions are independent",
    )
    faithfulness: Faithfulness | None = Field(
        None, description="whether rationales tell what the model is unsure about; {} measures it"
    )


class Report(Options):
    """How the report looks."""

    title: str | None = Field(None, description="heading of the page; the recipe's name if empty")


class Recipe(Options):
    """A validated recipe, `extends` already resolved."""

    name: str = Field(
        pattern=r"^[^/\\.\s][^/\\]*$", description="names the run; default: the file's name"
    )
    seed: int = Field(0, ge=0, lt=2**32, description="for everything random")
    model: Model = Field("scratch", validate_default=True, description="the language model")
    source: Source = Field(description="the questions")
    sample: Sampler = Field("transformers", validate_default=True, description="samples responses")
    cluster: Clusterer = Field("exact", validate_default=True, description="groups responses")
    rationale: RationaleWriter = Field(
        "template", validate_default=True, description="writes what the responses disagree on"
    )
    target: Target = Field(
        "correct_cluster", validate_default=True, description="response and confidence to learn"
    )
    format: Format = Field("sayself", validate_default=True, description="how replies are written")
    judge: Judge = Field("match", validate_default=True, description="answer against gold")
    train: tuple[Trainer, ...] = Field((), description="training phases, one after the other")
    evaluate: Evaluate = Field({}, validate_default=True, description="what is measured")
    leaks: Literal["stop", "drop", "allow"] = Field(
        "stop", description="what to do with questions to be judged on that other splits have too"
    )
    report: Report = Field({}, validate_default=True, description="how the report looks")
    max_cost: float | None = Field(
        None, gt=0, description="US dollars for paid servers, at which the run stops; null: none"
    )
    prices: str | None = Field(
        None, min_length=1, description="YAML file of prices that come before the packaged ones"
    )
    engine: Engine = Field("local", validate_default=True, description="runs shards of work")
    matrix: dict[str, tuple[Any, ...]] = Field(
        default_factory=dict, description="paths in the recipe and the values to try there"
    )

    _smoke: bool = PrivateAttr(False)

    @field_validator("name")
    @classmethod
    def _name_is_that_of_a_folder(cls, name: str) -> str:
        if problem := name_problem(name):
            raise ValueError(problem)
        return name

    @field_validator("matrix")
    @classmethod
    def _matrix_is_clear(cls, matrix: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
        cells = math.prod(len(values) for values in matrix.values())
        if cells > MOST_CELLS:
            raise ValueError(f"makes {cells:,} cells, and at most {MOST_CELLS:,} are possible")
        for path, values in matrix.items():
            if split(path)[0] in ("name", "matrix"):
                raise ValueError(f"'{path}' cannot differ between cells")
            labels = [_label(value) for value in values]
            if not labels:
                raise ValueError(f"'{path}' needs at least one value")
            if len(set(labels)) < len(labels):
                raise ValueError(f"'{path}' has a value twice: {', '.join(labels)}")
        return matrix

    def cells(self) -> list[tuple[str, Recipe]]:
        """One recipe without a matrix per combination, with its label (`rationale=llm,seed=1`).

        Without a matrix: this recipe, with an empty label.

        Raises:
            RecipeError: combinations that are no valid recipe, all of them.
        """
        if not self.matrix:
            return [("", self)]
        base = {key: value for key, value in self.resolved().items() if key != "matrix"}
        cells, wrong = [], []
        for values in itertools.product(*self.matrix.values()):
            choices = dict(zip(self.matrix, values, strict=True))
            label = ",".join(f"{path}={_label(value)}" for path, value in choices.items())
            content = copy.deepcopy(base)
            found = _assign_all(content, choices.items())
            try:
                cell = Recipe.model_validate(content)
                cells.append((label, cell._smoked() if self._smoke else cell))
            except ValidationError as error:
                found += problems(error, Recipe)
            wrong += [f"matrix ({label}): {problem}" for problem in found]
        if wrong:
            raise RecipeError(self.name, wrong)
        return cells

    def resolved(self) -> dict[str, Any]:
        """Every key and option with its value, in JSON types; loads to an equal recipe."""
        return self.model_dump(mode="json")

    def smoke(self) -> Recipe:
        """The same recipe with the least work that still walks every path.

        The cells of its matrix, if it has one, are made small too and keep their labels.
        """
        small = self._smoked().model_copy(update={"name": f"{self.name}-smoke"})
        small._smoke = True
        return small

    def _smoked(self) -> Self:
        return self.model_copy(
            update={key: _smoke(getattr(self, key)) for key in type(self).model_fields}
        )


def _smoke(value: Any) -> Any:
    """Components within any value replaced by their small versions, the innermost first."""
    if isinstance(value, tuple | list):
        return type(value)(_smoke(item) for item in value)
    if isinstance(value, dict):
        return {key: _smoke(item) for key, item in value.items()}
    if not isinstance(value, BaseModel):
        return value
    parts = {key: _smoke(getattr(value, key)) for key in type(value).model_fields}
    small = value.model_copy(update=parts)
    return small.smoke() if isinstance(small, Component) else small


def _label(value: Any) -> str:
    """A value of a matrix in a few characters: `llm`, `ppo reward=linear`, `sft+ppo`."""
    if isinstance(value, dict):
        options = (f"{key}={_label(item)}" for key, item in value.items() if key != "use")
        return " ".join([str(value["use"]), *options] if "use" in value else options)
    if isinstance(value, list | tuple):
        return "+".join(_label(item) for item in value) or "none"
    return str(value)


def packaged() -> list[str]:
    """The names of the recipes that come with saysel and with plugins, sorted."""
    return registry.names(registry.RECIPE)


def load(
    recipe: str | PathLike[str] | Mapping[str, Any] | Recipe,
    overrides: Sequence[str] | Mapping[str, Any] = (),
) -> Recipe:
    """Read and validate a recipe.

    Args:
        recipe: the name of a packaged recipe, a plugin's included; a path; the keys of a recipe,
            in which `extends` is relative to the working directory; or a recipe.
        overrides: values by their path in the recipe, or `path=value` each with the value in
            YAML; applied in order.

    Raises:
        UsageError: the file is missing, unreadable, or not a YAML mapping; `extends` goes in a
            circle.
        PluginError: two plugins claim the name, or the one that does lacks the file.
        RecipeError: everything that is wrong inside, together.
    """
    if isinstance(recipe, Recipe):
        if not overrides:
            return recipe
        where, content = recipe.name, recipe.resolved()
    elif isinstance(recipe, Mapping):
        registry.use_sayselfile()
        where = str(recipe.get("name", "recipe"))
        content = _with_base(copy.deepcopy(dict(recipe)), where, Path(), ())
    else:
        where = str(recipe)
        path = _locate(where, Path())
        registry.use_sayselfile(path.parent)
        content = _extended(path, ())
        content.setdefault("name", path.stem)
    choices, wrong = _choices(overrides)
    wrong += _assign_all(content, choices, "--set ")
    return _validated(content, where, wrong)


def _choices(
    overrides: Sequence[str] | Mapping[str, Any],
) -> tuple[list[tuple[str, Any]], list[str]]:
    """Paths and values, and the problems with those that are not written as they have to be."""
    if isinstance(overrides, Mapping):
        return list(overrides.items()), []
    choices, wrong = [], []
    for override in overrides:
        path, equals, text = override.partition("=")
        try:
            if not equals:
                raise ValueError("write it as path=value")
            choices.append((path.strip(), parse_yaml(text)))
        except ValueError as error:
            wrong.append(f"--set {path or override}: {error}")
    return choices, wrong


def _validated(content: dict[str, Any], where: str, wrong: list[str]) -> Recipe:
    """The recipe with this content.

    Args:
        where: its name in messages.
        wrong: problems that were found before, to be reported together with those found here.
    """
    if refused := list(unusable(content)):  # no component should see such values
        raise RecipeError(where, wrong + refused)
    try:
        recipe = Recipe.model_validate(_without_empty(content))
    except ValidationError as error:
        raise RecipeError(where, wrong + problems(error, Recipe)) from None
    try:
        recipe.cells()
    except RecipeError as error:
        wrong = wrong + list(error.problems)
    if wrong:
        raise RecipeError(where, wrong)
    return recipe


def _assign_all(
    content: dict[str, Any], choices: Iterable[tuple[str, Any]], told_as: str = ""
) -> list[str]:
    """Set what can be set; the problems with the rest."""
    wrong = []
    for path, value in choices:
        try:
            assign(content, Recipe, path, copy.deepcopy(value))
        except ValueError as error:
            wrong.append(f"{told_as}{path}: {error}")
    return wrong


def _locate(reference: str, folder: Path) -> Path:
    """The file that a name or a path relative to a folder stands for."""
    known = packaged()
    if reference in known:
        return registry.recipe(reference)
    path = folder / Path(reference).expanduser()
    if path.suffix in (".yaml", ".yml") or len(path.parts) > len(folder.parts) + 1 or path.exists():
        return path
    hint = suggest(reference, known)
    raise UsageError(
        f"{reference}: no such file, and no packaged recipe has this name; "
        + (f"{hint} " if hint else "")
        + f"packaged: {', '.join(known) or 'none'}"
    )


def _extended(path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
    """A recipe file merged over what it extends; keys left empty are dropped."""
    place = path.resolve()
    if place in above:
        circle = " -> ".join(str(step) for step in (*above[above.index(place) :], place))
        raise UsageError(f"{path}: extends goes in a circle: {circle}")
    return _with_base(read_yaml(path), str(path), path.parent, (*above, place))


def _with_base(
    content: dict[str, Any], where: str, folder: Path, above: tuple[Path, ...]
) -> dict[str, Any]:
    """A recipe's content merged over what it extends, which is relative to a folder."""
    reference = content.pop("extends", None)
    if reference is not None:
        if not isinstance(reference, str):
            raise UsageError(f"{where}: extends must be one name or path (got {reference!r})")
        try:
            base_path = _locate(reference, folder)
        except UsageError as error:
            raise UsageError(f"{where}: extends {error}") from None
        base = _extended(base_path, above)
        base.pop("name", None)  # a run of its own, in a directory of its own
        content = _merge(base, content)
    return _without_empty(content)


def _without_empty(content: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if value is not None}


def _merge(base: Any, over: Any) -> Any:
    if isinstance(base, dict) and isinstance(over, str):
        over = {"use": over} if "use" in base else over
    elif isinstance(base, str) and isinstance(over, dict):
        base = {"use": base}
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    if "use" in over and over["use"] != base.get("use", over["use"]):
        return over
    return {**base, **{key: _merge(base.get(key), value) for key, value in over.items()}}
