"""Tables of what is installed, and of the options of one component."""

from __future__ import annotations

import inspect
import types
import typing
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from saysel import registry
from saysel.display.tables import print_table
from saysel.display.terminal import echo
from saysel.errors import UsageError
from saysel.interfaces import KINDS
from saysel.interfaces.component import NotFingerprintedMarker


def print_plugins(what: str) -> None:
    """Print everything installed (empty), one kind (`reward`) or one component (`trainer.ppo`).

    Raises:
        UsageError: there is no such kind.
        PluginError: see `saysel.registry.find`.
    """
    kind, dot, name = what.partition(".")
    if kind and kind not in KINDS:
        hint = registry.suggest(kind, list(KINDS))
        raise UsageError(
            f"no kind of component is called '{kind}'; "
            + (f"{hint} " if hint else "")
            + f"kinds: {', '.join(KINDS)}"
        )
    if dot:
        _component(kind, name)
    else:
        _list(kind)


def _list(kind: str) -> None:
    rows = [row for row in registry.installed() if kind in ("", row.kind) or not row.kind]
    print_table(
        ("kind", "name", "from", "what"),
        [
            (
                row.kind,
                row.name,
                f"{row.distribution} {row.version}",
                "cannot be used, see below" if row.error else row.summary,
            )
            for row in rows
            if row.kind
        ],
    )
    problems = list(dict.fromkeys(row.error for row in rows if row.error))
    if problems:
        echo("\ncannot be used:")
    for problem in problems:
        echo(f"  {problem}")


def _component(kind: str, name: str) -> None:
    found = registry.find(kind, name)
    claim = registry.claim(kind, name)
    echo(f"{kind}.{name} ({claim.target}, from {claim.owner})\n")
    echo(f"{inspect.getdoc(found)}\n")
    rows = [option_row(key, field) for key, field in found.model_fields.items() if key != "use"]
    if rows:
        print_table(("option", "type", "default", "description", "range"), rows)
    else:
        echo("It has no options.")


def option_row(key: str, field: FieldInfo) -> tuple[str, ...]:
    limits = [
        f"{sign} {limit}"
        for bound in field.metadata
        for attribute, sign in (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<="))
        if (limit := getattr(bound, attribute, None)) is not None
    ]
    description = field.description or ""
    if any(isinstance(mark, NotFingerprintedMarker) for mark in field.metadata):
        description += " (changes speed only)"
    return (
        key,
        type_name(field.annotation),
        "required" if field.is_required() else _default(field),
        description.strip(),
        ", ".join(limits),
    )


def _default(field: FieldInfo) -> str:
    """The default as a recipe writes it; empty if it is none of a recipe's values."""
    value = field.get_default(call_default_factory=True)
    return "" if value is PydanticUndefined else _in_yaml(value)


def _in_yaml(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, BaseModel):
        value = {key: getattr(value, key) for key in type(value).model_fields}
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_in_yaml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(_in_yaml, value)) + "]"
    return '""' if value == "" else str(value)


def type_name(annotation: Any) -> str:
    """A type in a reader's words: `int`, `'a' or 'b'`, `list of reward`."""
    if annotation is None or annotation is types.NoneType:
        return "null"
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return " or ".join(repr(choice) for choice in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(type_name(argument) for argument in arguments)
    if origin is typing.Annotated:
        return type_name(arguments[0])
    if origin in (tuple, list, set, frozenset):
        inside = [type_name(argument) for argument in arguments if argument is not Ellipsis]
        return f"list of {', '.join(inside)}"
    if origin is dict:
        return "mapping" if arguments[1] is Any else f"mapping to {type_name(arguments[1])}"
    if annotation is Any:
        return "anything"
    if isinstance(annotation, type):
        if issubclass(annotation, BaseModel) and annotation in KINDS.values():
            return str(annotation.kind)  # type: ignore[attr-defined]
        return {"str": "text", "float": "number", "bool": "true or false"}.get(
            annotation.__name__, annotation.__name__.lower()
        )
    return str(annotation)
