"""Recipes: which components make up an experiment, with which options.

    name: mine
    source: {use: witness, train: 3000, heldout: 1000}
    train: [sft, {use: ppo, reward: quadratic}]

A bare name `x` stands for `{use: x}`. `extends: NAME` builds on another recipe: mappings are
merged, lists are replaced, and a component with a different `use` replaces the other one and its
options. An empty key takes its default. `matrix: {path: [values]}` makes one cell per combination.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, ValidationError, WithJsonSchema, field_validator

from saysel import registry
from saysel.errors import RecipeError
from saysel.interfaces import (
    Clusterer,
    Engine,
    Format,
    Judge,
    Model,
    Options,
    RationaleWriter,
    Sampler,
    Source,
    Target,
    Trainer,
)
from saysel.recipes.components import smallest
from saysel.recipes.elicit import Elicit
from saysel.recipes.evaluate import Evaluate
from saysel.recipes.extends import locate, read_with_base, with_base, without_empty
from saysel.recipes.matrix import VALUES_SCHEMA, axes, combinations, reference_label
from saysel.recipes.paths import assign
from saysel.recipes.problems import problems
from saysel.recipes.text import parse_yaml
from saysel.recipes.values import invalid_values, name_problem


class Report(Options):
    """How the report looks."""

    title: str | None = Field(None, description="title of the page; default: the recipe's name")
    reference: str | None = Field(
        None,
        min_length=1,
        description="the setting of a matrix that the others are compared with, such as "
        "`reward=quadratic`; null: the first",
    )


class Recipe(Options):
    """A validated recipe, with `extends` resolved."""

    name: str = Field(pattern=r"^[^/\\.\s][^/\\]*$", description="name of the run")
    seed: int = Field(0, ge=0, lt=2**32, description="seed of everything random")
    model: Model = Field("scratch", validate_default=True, description="the language model")
    source: Source = Field(description="the questions")
    sample: Sampler = Field("transformers", validate_default=True, description="samples responses")
    cluster: Clusterer = Field(
        "exact", validate_default=True, description="groups responses with the same answer"
    )
    rationale: RationaleWriter = Field(
        "template", validate_default=True, description="describes what the responses disagree on"
    )
    target: Target = Field(
        "correct_cluster",
        validate_default=True,
        description="chooses the response and the confidence to learn",
    )
    format: Format = Field(
        "sayself", validate_default=True, description="how replies are written and parsed"
    )
    elicit: Elicit | None = Field(
        None,
        description="how the base model is asked, if it was not trained on the format; null: in "
        "the format, like trained models",
    )
    judge: Judge = Field(
        "match", validate_default=True, description="compares answers with the accepted ones"
    )
    train: tuple[Trainer, ...] = Field((), description="training phases, in order")
    evaluate: Evaluate = Field({}, validate_default=True, description="what is measured")
    leaks: Literal["stop", "drop", "allow"] = Field(
        "stop", description="what to do when an evaluation question also occurs in another split"
    )
    report: Report = Field({}, validate_default=True, description="how the report looks")
    max_cost: float | None = Field(
        None,
        gt=0,
        description="maximum cost of paid servers in US dollars, at which the run stops; null: no "
        "limit",
    )
    prices: str | None = Field(
        None, min_length=1, description="YAML file of prices that override the packaged ones"
    )
    engine: Engine = Field("local", validate_default=True, description="runs the shards of a stage")
    matrix: dict[str, Annotated[Any, WithJsonSchema(VALUES_SCHEMA)]] = Field(
        default_factory=dict,
        description="paths in the recipe and the values to try for each, or named settings",
    )

    _smoke: bool = PrivateAttr(False)

    @field_validator("name")
    @classmethod
    def _name_can_be_a_folder(cls, name: str) -> str:
        if problem := name_problem(name):
            raise ValueError(problem)
        return name

    @field_validator("matrix")
    @classmethod
    def _matrix_is_unambiguous(cls, matrix: dict[str, Any]) -> dict[str, Any]:
        axes(matrix)
        return matrix

    def cells(self) -> list[tuple[str, Recipe]]:
        """One recipe without a matrix per combination, with its label (`rationale=llm,seed=1`).

        They are in the order of `saysel.recipes.matrix.combinations`.

        Without a matrix: this recipe, with an empty label.

        Raises:
            RecipeError: some combinations are no valid recipes; it lists every problem once.
        """
        if not self.matrix:
            return [("", self)]
        base = {key: value for key, value in self.resolved().items() if key != "matrix"}
        cells = []
        wrong: dict[str, list[str]] = {}  # the cells that have each problem
        for chosen in combinations(self.matrix):
            content = copy.deepcopy(base)
            cell_problems = _assign_all(content, chosen.assignments.items())
            try:
                cell = Recipe.model_validate(content)
                cells.append((chosen.label, smallest(cell) if self._smoke else cell))
            except ValidationError as error:
                cell_problems += problems(error, Recipe)
            for problem in cell_problems:
                wrong.setdefault(problem, []).append(chosen.label)
        if wrong:
            raise RecipeError(self.name, [_in_cells(*one) for one in wrong.items()])
        return cells

    def resolved(self) -> dict[str, Any]:
        """Every key and option with its value, in JSON types; loads to an equal recipe."""
        return self.model_dump(mode="json")

    def smoke(self) -> Recipe:
        """The same recipe with the least work that still covers every code path.

        The cells of its matrix, if it has one, are made small too and keep their labels.
        """
        small = smallest(self).model_copy(update={"name": f"{self.name}-smoke"})
        small._smoke = True
        return small


def load(
    recipe: str | PathLike[str] | Mapping[str, Any] | Recipe,
    overrides: Sequence[str] | Mapping[str, Any] = (),
) -> Recipe:
    """Read and validate a recipe.

    Args:
        recipe: the name of a packaged recipe, including those of plugins; a path; the keys of a
            recipe, in which `extends` is relative to the working directory; or a recipe.
        overrides: values by their path in the recipe, or `path=value` texts with the value in
            YAML; applied in order. A single text needs no list.

    Raises:
        UsageError: the file is missing, unreadable, or not a YAML mapping; `extends` goes in a
            circle.
        PluginError: two plugins claim the name, or the one that does lacks the file.
        RecipeError: it lists all problems of the content.
    """
    if isinstance(recipe, Recipe):
        if not overrides:
            return recipe
        where, content = recipe.name, recipe.resolved()
    elif isinstance(recipe, Mapping):
        registry.use_sayselfile()
        where = str(recipe.get("name", "recipe"))
        content = with_base(copy.deepcopy(dict(recipe)), where, Path())
    else:
        where = str(recipe)
        path = locate(where, Path())
        registry.use_sayselfile(path.parent)
        content = read_with_base(path)
        content.setdefault("name", path.stem)
    if isinstance(overrides, str):
        overrides = [overrides]
    assignments, wrong = _assignments(overrides)
    wrong += _assign_all(content, assignments, "--set ")
    return _validated(content, where, wrong)


def _assignments(
    overrides: Sequence[str] | Mapping[str, Any],
) -> tuple[list[tuple[str, Any]], list[str]]:
    """Paths and values, and the problems of overrides that are not `path=value`."""
    if isinstance(overrides, Mapping):
        return list(overrides.items()), []
    assignments, wrong = [], []
    for override in overrides:
        path, equals, text = override.partition("=")
        try:
            if not equals:
                raise ValueError("write it as path=value")
            assignments.append((path.strip(), parse_yaml(text)))
        except ValueError as error:
            wrong.append(f"--set {path or override}: {error}")
    return assignments, wrong


def _assign_all(
    content: dict[str, Any], assignments: Iterable[tuple[str, Any]], prefix: str = ""
) -> list[str]:
    """Make all assignments that are possible; the problems of the others."""
    wrong = []
    for path, value in assignments:
        try:
            assign(content, Recipe, path, copy.deepcopy(value))
        except ValueError as error:
            wrong.append(f"{prefix}{path}: {error}")
    return wrong


def _validated(content: dict[str, Any], where: str, wrong: list[str]) -> Recipe:
    """The recipe with this content.

    Args:
        where: its name in messages.
        wrong: problems that were found before, to be reported together with those found here.
    """
    if invalid := list(invalid_values(content)):  # no component should see such values
        raise RecipeError(where, wrong + invalid)
    try:
        recipe = Recipe.model_validate(without_empty(content))
    except ValidationError as error:
        raise RecipeError(where, wrong + problems(error, Recipe)) from None
    if wrong := wrong + _matrix_problems(recipe):
        raise RecipeError(where, wrong)
    return recipe


def _in_cells(problem: str, labels: Sequence[str]) -> str:
    """A problem with the cells of the matrix that have it."""
    more = f" and {len(labels) - 1} more cell{'s' * (len(labels) > 2)}" if len(labels) > 1 else ""
    return f"matrix ({labels[0]}{more}): {problem}"


def _matrix_problems(recipe: Recipe) -> list[str]:
    try:
        recipe.cells()
        if recipe.matrix and recipe.report.reference is not None:
            reference_label(recipe.matrix, recipe.report.reference)
    except RecipeError as error:
        return list(error.problems)
    except ValueError as error:
        return [f"report.reference: {error}"]
    return []
