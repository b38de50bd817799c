"""Digests of the files that a model or source depends on, computed once per command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from saysel.interfaces import Model, Source

#: Digests by class and options; `None` outside of `digests_computed_once`.
_KNOWN: ContextVar[dict[tuple[type, str], str] | None] = ContextVar("digests", default=None)


@contextmanager
def digests_computed_once() -> Iterator[None]:
    """Inside, the digest of every model and source is computed at most once.

    A file that changes meanwhile is not noticed; the next command notices it.
    """
    if _KNOWN.get() is not None:
        yield
        return
    token = _KNOWN.set({})
    try:
        yield
    finally:
        _KNOWN.reset(token)


def digest(component: Model | Source) -> str:
    """Hash of what a model or source depends on beyond its options."""
    known = _KNOWN.get()
    if known is None:
        return component.digest()
    key = (type(component), component.model_dump_json())
    if key not in known:
        known[key] = component.digest()
    return known[key]
