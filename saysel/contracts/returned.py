"""Tests for returned values, and the error that refuses one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NoReturn

from saysel.errors import ContractError
from saysel.records import Generation, Prediction

if TYPE_CHECKING:
    from saysel.interfaces import Component

#: Characters of a wrong return value that a message shows.
SHOWN_CHARACTERS = 120


def refuse(
    component: Component,
    returned: Any,
    required: str,
    method: str = "",
    verbatim: bool = False,
) -> NoReturn:
    """Raise a ContractError.

    Args:
        returned: the wrong value, or with `verbatim` a description of it.
        required: what the contract requires.
        method: named in the message where the kind has several methods.
    """
    value = returned if verbatim else describe(returned)
    name = component.use or type(component).__name__
    where = f"{component.kind} '{name}'" + (f" ({method})" if method else "")
    raise ContractError(
        f"{where} returned {value}; it must return {required}: report it to the author of "
        f"{type(component).__module__}.{type(component).__qualname__}"
    )


def describe(value: Any) -> str:
    """Type and content of a value, shortened."""
    content = " ".join(repr(value).split())
    kind = f"{type(value).__name__} "
    if isinstance(value, list | tuple):
        kind += f"of {len(value)} "
    if len(content) > SHOWN_CHARACTERS:
        content = f"{content[: SHOWN_CHARACTERS - 1]}…"
    return kind + content


def listed(component: Component, returned: Any, count: int, required: str) -> list[Any]:
    """A returned iterable as a list, which must have `count` items."""
    if not isinstance(returned, Iterable) or isinstance(returned, str | bytes | Mapping):
        refuse(component, returned, required)
    items = list(returned)
    if len(items) != count:
        refuse(component, f"{len(items)} for {count}", required, verbatim=True)
    return items


def is_list(value: Any, count: int | None = None) -> bool:
    return isinstance(value, list | tuple) and count in (None, len(value))


def is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2


def is_number(value: Any, low: float, high: float) -> bool:
    return isinstance(value, Real) and low <= float(value) <= high


def is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 0


def is_texts(value: Any) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(text, str) for text in value)


def is_generation(value: Any) -> bool:
    return (
        isinstance(value, Generation)
        and isinstance(value.text, str)
        and is_count(value.tokens)
        and (value.logprob is None or is_number(value.logprob, -math.inf, math.inf))
        and isinstance(value.finish_reason, str | None)
    )


def is_prediction(prediction: Prediction) -> bool:
    return (
        isinstance(prediction.response, str)
        and isinstance(prediction.answer, str | None)
        and isinstance(prediction.rationale, str | None)
        and (prediction.confidence is None or is_number(prediction.confidence, 0, 1))
        and is_count(prediction.tokens)
        and isinstance(prediction.shares, Mapping)
        and all(
            isinstance(answer, str) and isinstance(share, Real)
            for answer, share in prediction.shares.items()
        )
    )
