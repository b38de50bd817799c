"""What is wrong with a recipe, one line per problem: `path.in[0].recipe: rule (got value)`."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from saysel.recipes.paths import Step, model_in, show
from saysel.registry import suggest

#: Pydantic's words and ours.
WORDS = (
    (re.compile(r"^(?:Value|Assertion) error, "), ""),
    (re.compile(r"^Field required$"), "is required"),
    (re.compile(r"^Input should be a valid tuple$"), "must be a list"),
    (re.compile(r"^Input should be a valid dictionary.*"), "must be a mapping"),
    (re.compile(r"^Input should be a valid string$"), "must be a text"),
    (re.compile(r"^Input should be a valid (number|integer|boolean).*"), r"must be a \1"),
    (re.compile(r"^Input should (.*)"), r"must \1"),
    (re.compile(r"^(?:String|List|Tuple|Value|Dictionary|Set) should (.*)"), r"must \1"),
    (re.compile(r"^must be a (integer)"), r"must be an \1"),
    (re.compile(r" after validation, not \d+$"), ""),
)


def problems(
    error: ValidationError, model: type[BaseModel], at: tuple[Step, ...] = ()
) -> list[str]:
    """One line per problem, those inside of components included.

    Args:
        model: the class that was validated; its fields are what a mistyped key is compared with.
        at: where in the recipe it stands.
    """
    lines = []
    details = error.errors(include_url=False)
    for detail in details:
        if detail["type"] == "too_short" and sum(_within(d, detail) for d in details) > 1:
            continue  # the list is short because of its wrong items, which are told
        # Unions add names of validators to the location; they mean nothing to a reader.
        inside = tuple(step for step in detail["loc"] if not str(step).startswith("function-"))
        place = at + inside
        context: dict[str, Any] = detail.get("ctx") or {}
        if detail["type"] == "component_options":
            lines += problems(context["cause"], context["model"], place)
            continue
        # A mapping in the wrong place may hold a key too.
        hidden = (
            detail["type"] == "missing"
            or any(_may_be_secret(str(step)) for step in place)
            or (isinstance(detail["input"], dict | list) and _may_be_secret(repr(detail["input"])))
        )
        got = "" if hidden else f" (got {_brief(detail['input'])})"
        if detail["type"] == "extra_forbidden":
            rule = _unknown_key(model, inside)
        else:
            rule = detail["msg"]
            for pattern, ours in WORDS:
                rule = pattern.sub(ours, rule)
        lines.append(f"{show(place) or 'recipe'}: {rule}{got}")
    return list(dict.fromkeys(lines))


def _within(inner: ErrorDetails, outer: ErrorDetails) -> bool:
    return inner["loc"][: len(outer["loc"])] == outer["loc"]


def _unknown_key(model: type[BaseModel], path: tuple[Step, ...]) -> str:
    owner = model
    for step in path[:-1]:
        if isinstance(step, str) and step in owner.model_fields:
            owner = model_in(owner.model_fields[step].annotation) or owner
    known = [name for name in owner.model_fields if name != "use"]
    hint = suggest(str(path[-1]), known)
    return f"unknown key; {hint or 'there are ' + (', '.join(known) or 'none')}"


def _may_be_secret(key: str) -> bool:
    """Whether somebody may have put there what nobody else should read."""
    return (
        re.search(
            r"key|secret|password|credential|base_url|header|auth|^token$|[^x]_token$|^extra$",
            key,
            re.IGNORECASE,
        )
        is not None
    )


def _brief(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
