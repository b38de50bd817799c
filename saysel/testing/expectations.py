"""What all checks expect, and how they say that it was not met."""

from __future__ import annotations

import json
from collections.abc import Callable

from saysel.contracts.signatures import mismatch
from saysel.interfaces import KINDS, Component


def expect(met: object, otherwise: str) -> None:
    # Not `assert`: a test kit must also hold under `python -O`.
    if not met:
        raise AssertionError(otherwise)


def expect_raises(error: type[Exception], call: Callable[[], object], what: str) -> None:
    try:
        call()
    except error:
        return
    raise AssertionError(f"{what} must raise {error.__name__}, nothing was raised")


def check_options(component: Component) -> None:
    """Options survive being written to a recipe, are described, and cannot be changed."""
    cls = type(component)
    problem = mismatch(cls, KINDS[component.kind])
    expect(not problem, f"{cls.__name__}: {problem}")
    expect(component.model_config.get("frozen"), f"{cls.__name__} must be frozen")
    expect((cls.__doc__ or "").strip(), f"{cls.__name__} needs a docstring: users see it")
    missing = [name for name, option in cls.model_fields.items() if not option.description]
    expect(not missing, f"options without a description: {', '.join(missing)}")
    written = json.loads(component.model_dump_json())
    expect(cls(**written) == component, f"{written} does not give the same component again")
    expect(isinstance(component.smoke(), cls), f"smoke must return a {cls.__name__}")
