"""The components in a recipe, nested ones included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel

from saysel.interfaces import Component

Value = TypeVar("Value")


def components(value: Any) -> Iterator[Component]:
    """All components within a recipe or any part of one, nested ones included."""
    if isinstance(value, Component):
        yield value
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from components(getattr(value, name))
    elif isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from components(item)


def smallest(value: Value) -> Value:
    """A recipe or any part of one with every component replaced by its small version.

    Nested components are replaced first.
    """
    small: Any = value
    if isinstance(value, tuple | list):
        small = type(value)(smallest(item) for item in value)
    elif isinstance(value, dict):
        small = {key: smallest(item) for key, item in value.items()}
    elif isinstance(value, BaseModel):
        parts = {key: smallest(getattr(value, key)) for key in type(value).model_fields}
        small = value.model_copy(update=parts)
        small = small.smoke() if isinstance(small, Component) else small
    return small  # type: ignore[no-any-return]
