"""What decides a step's result, and the fingerprint of it.

A fingerprint hashes a step's components (class, version, options, and the source of those under
development), the settings it reads and the fingerprints of the steps it builds on. Options marked
`NotFingerprinted` are left out, and so are options marked `FingerprintedIfSet` that have their
default.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from saysel.files.content import digest as file_digest
from saysel.interfaces import Component, Model, Source
from saysel.interfaces.component import (
    ContentHashedMarker,
    FingerprintedIfSetMarker,
    NotFingerprintedMarker,
)
from saysel.recipes.digests import digest
from saysel.registry import component_digest


def identity(value: Any) -> Any:
    """The part of a component or option that decides results, in JSON types."""
    if isinstance(value, Component):
        return _component_identity(value)
    if isinstance(value, BaseModel):
        return _options(value)
    if isinstance(value, list | tuple):
        return [identity(item) for item in value]
    if isinstance(value, dict):
        return {str(key): identity(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((identity(item) for item in value), key=repr)
    if isinstance(value, float) and value.is_integer():
        return int(value)  # a default written as 3 and a recipe's 3.0 are the same
    return to_jsonable_python(value)


def fingerprint(stage: str, content: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """12 hex digits.

    Args:
        stage: the stage's name.
        content: the identities of what decides its result.
        inputs: the fingerprints of the steps it reads, by role.
    """
    text = json.dumps([stage, content, inputs], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _component_identity(component: Component) -> dict[str, Any]:
    kind, options, content = type(component), _options(component), ""
    if isinstance(component, Model | Source):
        content = digest(component)
    else:
        options |= _files(component)
    code = component_digest(component)
    return {
        "class": f"{kind.__module__}:{kind.__qualname__}",
        "version": kind.version,
        "options": options,
        **({"content": content} if content else {}),
        **({"code": code} if code else {}),
    }


def _options(value: BaseModel) -> dict[str, Any]:
    return {
        name: identity(getattr(value, name))
        for name, field in type(value).model_fields.items()
        if name != "use"
        and not any(
            _leaves_out(marker, getattr(value, name), field.default) for marker in field.metadata
        )
    }


def _files(component: Component) -> dict[str, Any]:
    """The content of the files that a component without a `digest` names."""
    return {
        name: _content(getattr(component, name))
        for name, field in type(component).model_fields.items()
        if any(isinstance(marker, ContentHashedMarker) for marker in field.metadata)
    }


def _content(option: Any) -> Any:
    """The hash of the file that an option names; the option itself if there is no such file."""
    if isinstance(option, list | tuple):
        return [_content(item) for item in option]
    if isinstance(option, str | Path) and (path := Path(option).expanduser()).is_file():
        return {"content": file_digest(path)}
    return identity(option)


def _leaves_out(marker: Any, option: Any, default: Any) -> bool:
    """Whether a marker of an option keeps it out of fingerprints."""
    if isinstance(marker, FingerprintedIfSetMarker):
        return bool(option == default)
    return isinstance(marker, NotFingerprintedMarker | ContentHashedMarker)
