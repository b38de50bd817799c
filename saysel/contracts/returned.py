"""Questions about what a component returned, and the line that refuses it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NoReturn

from saysel.errors import ContractError
from saysel.records import Generation, Prediction

if TYPE_CHECKING:
    from saysel.interfaces import Component

#: Longest part of a wrong return value that is shown.
SHOWN = 120


def refuse(
    who: Component, returned: Any, must: str, method: str = "", as_it_is: bool = False
) -> NoReturn:
    what = returned if as_it_is else shown(returned)
    name = who.use or type(who).__name__
    where = f"{who.kind} '{name}'" + (f" ({method})" if method else "")
    raise ContractError(
        f"{where} returned {what}; it must return {must}: tell its author "
        f"({type(who).__module__}.{type(who).__qualname__})"
    )


def shown(value: Any) -> str:
    told = " ".join(repr(value).split())
    kind = f"{type(value).__name__} "
    if isinstance(value, list | tuple):
        kind += f"of {len(value)} "
    return kind + (told if len(told) <= SHOWN else f"{told[: SHOWN - 1]}…")


def listed(who: Component, returned: Any, count: int, must: str) -> list[Any]:
    usable = isinstance(returned, Iterable) and not isinstance(returned, str | bytes | Mapping)
    found = list(returned) if usable else []
    if not usable:
        refuse(who, returned, must)
    if len(found) != count:
        refuse(who, f"{len(found)} for {count}", must, as_it_is=True)
    return found


def is_list(value: Any, count: int | None = None) -> bool:
    return isinstance(value, list | tuple) and count in (None, len(value))


def is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2


def is_number(value: Any, low: float, high: float) -> bool:
    return isinstance(value, Real) and low <= float(value) <= high


def is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 0


def are_texts(value: Any) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(one, str) for one in value)


def is_generation(reply: Any) -> bool:
    return (
        isinstance(reply, Generation)
        and isinstance(reply.text, str)
        and is_count(reply.tokens)
        and (reply.logprob is None or is_number(reply.logprob, -math.inf, math.inf))
        and isinstance(reply.finish_reason, str | None)
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
