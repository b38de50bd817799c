"""The problems of a recipe, one line each: `path.in[0].recipe: rule (got value)`."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from saysel.recipes.paths import Step, model_in, new_name, show
from saysel.registry import suggest

#: How pydantic words a rule, and how saysel does.
WORDING = (
    (re.compile(r"^(?:Value|Assertion) error, "), ""),
    (re.compile(r"^Field required$"), "is required"),
    (re.compile(r"^Input should be a valid tuple$"), "must be a list"),
    (re.compile(r"^Input should be a valid dictionary.*"), "must be a mapping"),
    (re.compile(r"^Input should be a valid string$"), "must be a string"),
    (re.compile(r"^Input should be a valid (number|integer|boolean).*"), r"must be a \1"),
    (re.compile(r"^Input should (.*)"), r"must \1"),
    (re.compile(r"^(?:String|List|Tuple|Value|Dictionary|Set) should (.*)"), r"must \1"),
    (re.compile(r"^must be a (integer)"), r"must be an \1"),
    (re.compile(r" after validation, not \d+$"), ""),
)


def problems(
    error: ValidationError, model: type[BaseModel], at: tuple[Step, ...] = ()
) -> list[str]:
    """One line per problem, those inside components included.

    Args:
        model: the class that was validated; an unknown key is compared with its fields.
        at: path of the validated part in the recipe.
    """
    details = error.errors(include_url=False)
    lines: list[str] = []
    for detail in details:
        if not _follows_from_another(detail, details, model):
            lines += _lines(detail, model, at)
    return list(dict.fromkeys(lines))


def _follows_from_another(
    detail: ErrorDetails, details: list[ErrorDetails], model: type[BaseModel]
) -> bool:
    """Whether a problem disappears when another one, which is reported, is fixed."""
    if detail["type"] == "too_short":  # a list is too short because its items are invalid
        path = detail["loc"]
        return sum(other["loc"][: len(path)] == path for other in details) > 1
    if detail["type"] == "missing":  # the key is given under its old name
        return any(
            other["type"] == "extra_forbidden"
            and other["loc"][:-1] == detail["loc"][:-1]
            and new_name(_owner(model, other["loc"]), str(other["loc"][-1])) == detail["loc"][-1]
            for other in details
        )
    return False


def _lines(detail: ErrorDetails, model: type[BaseModel], at: tuple[Step, ...]) -> list[str]:
    # Unions add names of validators to the location; they mean nothing to a reader.
    location = tuple(step for step in detail["loc"] if not str(step).startswith("function-"))
    path = at + location
    context: dict[str, Any] = detail.get("ctx") or {}
    if detail["type"] == "component_options":
        return problems(context["cause"], context["model"], path)
    rule = _renamed(detail, model, location)
    if rule is None:
        rule = _rule(detail, model, location) + _received(detail["input"], detail["type"], path)
    return [f"{show(path) or 'recipe'}: {rule}"]


def _renamed(detail: ErrorDetails, model: type[BaseModel], path: tuple[Step, ...]) -> str | None:
    """What an old key or value is called now; `None` if it is not an old name."""
    if detail["type"] == "extra_forbidden":
        name = new_name(_owner(model, path), str(path[-1]))
        return None if name is None else f"is now called '{name}'"
    if detail["type"] == "literal_error":
        value = detail["input"]
        name = new_name(_owner(model, path), f"{path[-1]}: {value}")
        return None if name is None else f"the value '{value}' is now called '{name}'"
    return None


def _rule(detail: ErrorDetails, model: type[BaseModel], path: tuple[Step, ...]) -> str:
    if detail["type"] == "extra_forbidden":
        known = [name for name in _owner(model, path).model_fields if name != "use"]
        hint = suggest(str(path[-1]), known) or f"the keys are {', '.join(known) or 'none'}"
        return f"unknown key; {hint}"
    rule = detail["msg"]
    for pattern, wording in WORDING:
        rule = pattern.sub(wording, rule)
    return rule


def _owner(model: type[BaseModel], path: tuple[Step, ...]) -> type[BaseModel]:
    """The class whose field the last step of a path is."""
    owner = model
    for step in path[:-1]:
        if isinstance(step, str) and step in owner.model_fields:
            owner = model_in(owner.model_fields[step].annotation) or owner
    return owner


def _received(value: object, type: str, path: tuple[Step, ...]) -> str:
    """The value that was given, in brackets; nothing if there is none or it may be a secret."""
    hidden = (
        type == "missing"
        or any(_may_be_secret(str(step)) for step in path)
        # A mapping in the wrong place may hold a key too.
        or (isinstance(value, dict | list) and _may_be_secret(repr(value)))
    )
    return "" if hidden else f" (got {_brief(value)})"


def _may_be_secret(key: str) -> bool:
    """Whether a value under this key may be a secret."""
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
