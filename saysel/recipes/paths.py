"""Paths in a recipe: `train[1].reward` or `train.1.reward`, for `--set` and for matrices.

A path is followed through the recipe as written and, in parallel, through the types that will
validate it. An option can therefore be set on a component that the recipe has only by default, and
for a step that does not exist the message suggests similar ones.
"""

from __future__ import annotations

import copy
import re
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from saysel.errors import PluginError
from saysel.interfaces import Component, Options
from saysel.registry import find, suggest

Step = str | int


def show(path: tuple[Step, ...]) -> str:
    """A path as text: `train[1].reward` for `("train", 1, "reward")`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def split(path: str) -> tuple[Step, ...]:
    """The steps of a path.

    Raises:
        ValueError: a step is empty or a bracket does not close.
    """
    if not re.fullmatch(r"[^.\[\]]+(\.[^.\[\]]+|\[\d+\])*", path):
        raise ValueError(f"'{path}' is not a path like train[1].reward")
    return tuple(int(step) if step.isdecimal() else step for step in re.findall(r"[^.\[\]]+", path))


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The first pydantic class in a field's type: `RewardFn` in `tuple[RewardFn, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := model_in(part))), None)


def new_name(owner: type[BaseModel], old: str) -> str | None:
    """The current name of a key that was renamed; `None` if it was not.

    Args:
        owner: the class whose fields the keys are; the keys that its base classes renamed count.
        old: a key, or a key with a value: `mode: drawn`.
    """
    for base in owner.__mro__:
        if issubclass(base, Options) and old in base.renamed:
            return base.renamed[old]
    return None


def assign(recipe: dict[str, Any], schema: type[BaseModel], path: str, value: Any) -> None:
    """Set a value in a recipe as written, in place.

    Args:
        recipe: keys and values, components as names or mappings.
        schema: the class that the recipe will be validated with.

    Raises:
        ValueError: the path does not exist; the message says which step fails and suggests others.
    """
    steps = split(path)
    node: Any = recipe
    owner: type[BaseModel] | None = schema
    for depth, step in enumerate(steps):
        here = show(steps[:depth])
        if isinstance(node, list):
            _check_index(node, step, here)
        elif isinstance(node, dict):
            step = str(step)
            _check_key(owner, node, step, here)
        else:
            raise ValueError(f"{here or path} is {node!r:.40}, which has no parts")
        if depth < len(steps) - 1:
            node, owner = _descend(node, owner, step)
        else:
            node[step] = value


def _descend(
    node: Any, owner: type[BaseModel] | None, step: Step
) -> tuple[Any, type[BaseModel] | None]:
    """The part of a node at a step, made if it is not there yet, and the class of its fields."""
    if isinstance(node, dict):
        field = owner.model_fields.get(str(step)) if owner is not None else None
        owner = model_in(field.annotation) if field is not None else None
        default = _plain(field.get_default(call_default_factory=True)) if field is not None else {}
        node.setdefault(step, default)
    part = node[step]
    if isinstance(part, str) and owner is not None and issubclass(owner, Component):
        part = {"use": part}
    elif part is None:
        part = {}
    node[step] = part
    return part, _chosen(owner, part) if isinstance(part, dict) else owner


def _plain(default: Any) -> Any:
    """A field's default as a recipe would write it."""
    if isinstance(default, BaseModel):
        return default.model_dump(mode="json")
    if isinstance(default, tuple | list):
        return [_plain(item) for item in default]
    return None if default is PydanticUndefined else copy.deepcopy(default)


def _chosen(owner: type[BaseModel] | None, node: dict[str, Any]) -> type[BaseModel] | None:
    """The class whose fields a mapping sets; `None` if any key is allowed, or it is unknown."""
    if owner is None or not issubclass(owner, Component) or "kind" not in owner.__dict__:
        return owner
    try:
        return find(owner.kind, node["use"])
    except (PluginError, KeyError):
        return None  # validation reports it, together with all other problems


def _check_index(node: list[Any], step: Step, here: str) -> None:
    if not isinstance(step, int):
        raise ValueError(f"{here} is a list: give a number from 0 to {len(node) - 1}, not '{step}'")
    if step >= len(node):
        raise ValueError(
            f"{here} has {len(node)} entries"
            + (f", 0 to {len(node) - 1}; there is no {step}" if node else f"; there is no {step}")
        )


def _check_key(owner: type[BaseModel] | None, node: dict[str, Any], step: str, here: str) -> None:
    if owner is None or step in owner.model_fields or step in node:
        return
    known = list(owner.model_fields)
    if (name := new_name(owner, step)) is not None:
        raise ValueError(f"{f'{here}.' if here else ''}{step} is now called '{name}'")
    where = f"{here} has" if here else "a recipe has"
    hint = suggest(step, known) or f"the keys are {', '.join(known)}"
    raise ValueError(f"{where} no key '{step}'; {hint}")
