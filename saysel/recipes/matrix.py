"""The `matrix` of a recipe: what differs between its cells.

    matrix:
      train.1.reward: [linear, quadratic]              a path and its values
      seed, source.seed: [0, 1, 2]                     paths that get the same value
      size:                                            named settings of any paths
        plain: {}                                      the recipe as it is
        large: {model.width: 128, model.layers: 4}

Each key is an `Axis`, each of its values a `Choice`; there is one cell per combination. A cell is
called `reward=linear,seed=0,size=plain`: axes by the last parts of their paths, values by what
differs between them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from saysel.recipes.paths import Step, show, split

#: Maximum number of combinations.
MAX_CELLS = 1_000

#: What a recipe may have below each key of its matrix, for its JSON schema.
VALUES_SCHEMA = {
    "anyOf": [
        {"type": "array", "minItems": 1},
        {"type": "object", "minProperties": 1, "additionalProperties": {"type": "object"}},
    ]
}

Matrix = Mapping[str, Any]


@dataclass(frozen=True)
class Choice:
    """One value of an axis.

    Attributes:
        label: the value in a few characters.
        assignments: values by their path in the recipe; none leaves it as it is.
    """

    label: str
    assignments: Mapping[str, Any]

    @property
    def number(self) -> float | None:
        """The value as a number, if it is one."""
        values = list(self.assignments.values())
        same = bool(values) and all(value == values[0] for value in values)
        value = values[0] if same and not isinstance(values[0], str) else self.label
        try:
            number = float(value) if not isinstance(value, bool) else math.nan
        except (TypeError, ValueError):
            return None
        return number if math.isfinite(number) else None


@dataclass(frozen=True)
class Axis:
    """One key of a matrix.

    Attributes:
        name: short and unique in the matrix: `reward` for `train[1].reward`.
        paths: what it sets.
        choices: its values.
    """

    name: str
    paths: tuple[str, ...]
    choices: tuple[Choice, ...]

    @property
    def is_seed(self) -> bool:
        """Whether it sets seeds only, so that its values are repetitions of the same setting."""
        return all(split(path)[-1] == "seed" for path in self.paths)

    @property
    def is_numeric(self) -> bool:
        """Whether its values are different numbers, more than one."""
        numbers = {choice.number for choice in self.choices}
        return None not in numbers and 1 < len(numbers) == len(self.choices)


@dataclass(frozen=True)
class Combination:
    """What one cell is made of.

    Attributes:
        choices: by the name of their axis.
    """

    choices: Mapping[str, Choice]

    @property
    def label(self) -> str:
        """The cell's name: `reward=linear,seed=0`; empty without a matrix."""
        return ",".join(f"{axis}={choice.label}" for axis, choice in self.choices.items())

    @property
    def assignments(self) -> dict[str, Any]:
        """All values by path."""
        return {
            path: value
            for choice in self.choices.values()
            for path, value in choice.assignments.items()
        }


def axes(matrix: Matrix) -> list[Axis]:
    """The axes of a matrix.

    Raises:
        ValueError: two axes set one path or have one name, a path or value is wrong, or there are
            too many combinations. The message says which one.
    """
    found = {key: _choices(key, values) for key, values in matrix.items()}
    paths = {
        key: tuple(dict.fromkeys(path for choice in choices for path in choice.assignments))
        for key, choices in found.items()
    }
    _check_paths(paths)
    names = _names(matrix, paths)
    made = [Axis(names[key], paths[key], choices) for key, choices in found.items()]
    count = math.prod(len(axis.choices) for axis in made)
    if count > MAX_CELLS:
        raise ValueError(f"makes {count:,} cells, but the maximum is {MAX_CELLS:,}")
    return made


def combinations(matrix: Matrix) -> Iterator[Combination]:
    """Every combination of values; the last axis changes fastest. Without axes, a single one."""
    made = axes(matrix)
    for chosen in itertools.product(*(axis.choices for axis in made)):
        yield Combination({axis.name: choice for axis, choice in zip(made, chosen, strict=True)})


def setting_label(axes: Sequence[Axis], choices: Mapping[str, Choice]) -> str:
    """The name of a cell without its seeds: `reward=linear`; empty if all axes are seeds."""
    return ",".join(f"{a.name}={choices[a.name].label}" for a in axes if not a.is_seed)


def seed_label(axes: Sequence[Axis], choices: Mapping[str, Choice]) -> str:
    """The name of a cell's seeds: `0`; empty if no axis is a seed."""
    return ",".join(choices[axis.name].label for axis in axes if axis.is_seed)


def reference_label(matrix: Matrix, wanted: str) -> str:
    """The name of the setting that some text means, such as `train[1].reward=linear`.

    Raises:
        ValueError: no setting or several settings match.
    """
    parts = set(wanted.split(","))
    made = axes(matrix)
    found: dict[str, None] = {}
    known: dict[str, None] = {}
    for combination in combinations(matrix):
        name = setting_label(made, combination.choices)
        known[name] = None
        if wanted == name or parts <= choice_names(combination.choices):
            found[name] = None
    if len(found) == 1:
        return next(iter(found))
    count = "no setting" if not found else "more than one setting"
    raise ValueError(f"{count} of the matrix matches '{wanted}': there are {'; '.join(known)}")


def choice_names(choices: Mapping[str, Choice]) -> set[str]:
    """What names a cell's choices: `reward=linear`, `train[1].reward=linear`."""
    return {
        f"{name}={choice.label}"
        for axis, choice in choices.items()
        for name in (axis, *choice.assignments)
    }


def _choices(key: str, values: Any) -> tuple[Choice, ...]:
    """The values of a key.

    Raises:
        ValueError: there are none, or two are the same.
    """
    if not isinstance(values, Mapping | list | tuple):
        raise ValueError(f"'{key}' must be a list of values, or a mapping of named settings")
    if not values:
        raise ValueError(f"'{key}' needs at least one value")
    if isinstance(values, Mapping):
        named = tuple(_named(key, name, setting) for name, setting in values.items())
        if not any(choice.assignments for choice in named):
            raise ValueError(f"'{key}': no setting sets anything")
        return named
    paths = [path.strip() for path in key.split(",")]
    labels = _labels(values)
    if len(set(labels)) < len(labels):
        raise ValueError(f"'{key}' has a value twice: {', '.join(labels)}")
    return tuple(
        Choice(label, dict.fromkeys(paths, value))
        for label, value in zip(labels, values, strict=True)
    )


def _named(key: str, name: object, setting: Any) -> Choice:
    label = str(name).strip()
    if not label or "," in label:
        raise ValueError(f"'{key}': a setting needs a name without commas (got '{name}')")
    if not isinstance(setting, Mapping) or not all(isinstance(path, str) for path in setting):
        raise ValueError(f"'{key}': the setting '{label}' must map paths to values")
    return Choice(label, setting)


def _check_paths(paths: Mapping[str, Sequence[str]]) -> None:
    by_path: dict[tuple[Step, ...], str] = {}
    for key, of_key in paths.items():
        for path in of_key:
            steps = split(path)
            if steps[0] in ("name", "matrix"):
                raise ValueError(f"'{path}' cannot differ between cells")
            if by_path.setdefault(steps, key) != key:
                raise ValueError(f"'{path}' is set by '{by_path[steps]}' and by '{key}'")


def _names(matrix: Matrix, paths: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """A short name for each axis: the key of named settings, or the end of the first path."""
    names = {key: key.strip() for key, values in matrix.items() if isinstance(values, Mapping)}
    steps = {key: _steps(paths[key][0]) for key in matrix if key not in names}
    for key, path in steps.items():
        others = {*names.values(), *(show(other) for k, other in steps.items() if k != key)}
        endings = [path[start:] for start in range(len(path) - 1, -1, -1)]
        usable = [
            name
            for ending in endings
            if isinstance(ending[0], str)
            and (name := show(ending)) not in others
            and not any(other[-len(ending) :] == ending for k, other in steps.items() if k != key)
        ]
        names[key] = (usable or [show(path)])[0]
    if len(set(names.values())) < len(names):
        raise ValueError(f"two keys have the same name: {', '.join(names.values())}")
    return names


def _steps(path: str) -> tuple[Step, ...]:
    """The steps of a path; `rationale.use` is `rationale`."""
    steps = split(path)
    return steps[:-1] if len(steps) > 1 and steps[-1] == "use" else steps


def _labels(values: Sequence[Any]) -> list[str]:
    """A label for each value: what differs between them, or everything if that is ambiguous."""
    short = [_label(value) for value in _differing(values)]
    return short if len(set(short)) == len(values) else [_label(value) for value in values]


def _differing(values: Sequence[Any]) -> list[Any]:
    """The values without the options, entries and folders that all of them share."""
    if len(values) > 1 and all(isinstance(value, dict) for value in values):
        shared = {
            key
            for key, item in values[0].items()
            if key != "use" and all(key in value and value[key] == item for value in values)
        }
        return [{k: item for k, item in value.items() if k not in shared} for value in values]
    lists = all(isinstance(value, list | tuple) for value in values)
    if len(values) > 1 and lists and len({len(value) for value in values}) == 1:
        columns = [list(column) for column in zip(*values, strict=True)]
        kept = [_differing(c) for c in columns if any(item != c[0] for item in c)]
        return [list(row) for row in zip(*kept, strict=True)] if kept else list(values)
    if len(values) > 1 and all(isinstance(value, str) and "/" in value for value in values):
        folders = [PurePosixPath(value).parent for value in values]
        if len(set(folders)) == 1:
            return [PurePosixPath(value).name for value in values]
    return list(values)


def _label(value: Any) -> str:
    """A value in a few characters: `llm`, `ppo reward=linear`, `sft+ppo`."""
    if isinstance(value, dict):
        options = (f"{key}={_label(item)}" for key, item in value.items() if key != "use")
        return " ".join([str(value["use"]), *options] if "use" in value else options)
    if isinstance(value, list | tuple):
        return "+".join(_label(item) for item in value) or "none"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return str(value)
