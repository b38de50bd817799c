"""From a piece of a recipe to a component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from saysel.errors import SayselError
from saysel.registry.loading import interface
from saysel.registry.lookup import find, names

if TYPE_CHECKING:
    from saysel.interfaces import Component


def build(kind: str, spec: object) -> Component:
    """Make the component that a piece of a recipe describes.

    Args:
        kind: the kind, such as `reward`.
        spec: a name, a mapping with `use` and options, or a component, which is returned as is.

    Raises:
        PydanticCustomError: so that validation of the surrounding recipe continues and finds all
            problems. Type `component` has the message in `ctx["message"]`; type
            `component_options` has the inner ValidationError in `ctx["cause"]` and the
            component's class in `ctx["model"]`.
    """
    expected = interface(kind)
    if isinstance(spec, expected):
        return spec
    if isinstance(spec, str):
        spec = {"use": spec}
    if not isinstance(spec, Mapping):
        raise _component_error(f"must be the name of a {kind}, or a mapping with 'use'")
    name = spec.get("use")
    if not isinstance(name, str) or not name:
        raise _component_error(f"needs 'use', the name of a {kind}: {', '.join(names(kind))}")
    try:
        component = find(kind, name)
        return component.model_validate(dict(spec))
    except ValidationError as error:
        message = f"wrong options of the {kind} '{name}': " + "; ".join(
            f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors()
        )
        context = {"message": message, "cause": error, "model": component}
        raise PydanticCustomError("component_options", "{message}", context) from error
    except SayselError as error:
        raise _component_error(str(error)) from error


def _component_error(message: str) -> PydanticCustomError:
    return PydanticCustomError("component", "{message}", {"message": message})
