"""What all checks expect, and how they fail."""

from __future__ import annotations

import json
from collections.abc import Callable

from saysel.contracts.signatures import mismatch
from saysel.interfaces import KINDS, Component


def expect(condition: object, message: str) -> None:
    # Not `assert`, which `python -O` removes.
    if not condition:
        raise AssertionError(message)


def expect_raises(error: type[Exception], call: Callable[[], object], what: str) -> None:
    try:
        call()
    except error:
        return
    raise AssertionError(f"{what} must raise {error.__name__}, but raised nothing")


def check_options(component: Component) -> None:
    """Options have descriptions, are frozen, and can be written to a recipe and read back."""
    cls = type(component)
    problem = mismatch(cls, KINDS[component.kind])
    expect(not problem, f"{cls.__name__}: {problem}")
    expect(component.model_config.get("frozen"), f"{cls.__name__} must be frozen")
    expect(
        (cls.__doc__ or "").strip(),
        f"{cls.__name__} needs a docstring, which `saysel plugins` shows",
    )
    missing = [name for name, option in cls.model_fields.items() if not option.description]
    expect(not missing, f"options without a description: {', '.join(missing)}")
    written = json.loads(component.model_dump_json())
    expect(cls(**written) == component, f"{written} does not build an equal component")
    expect(isinstance(component.smoke(), cls), f"smoke must return a {cls.__name__}")
