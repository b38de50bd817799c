"""Lists the public names of saysel with their signatures.

    python -m tests.architecture.public_api          writes `public_api.txt`

`test_public_api.py` compares the file with the code, so that no name that plugins use disappears
or changes unnoticed. A name is public if it is in `__all__` of one of `MODULES`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel

FILE = Path(__file__).with_name("public_api.txt")
MODULES = (
    "saysel",
    "saysel.adapters",
    "saysel.errors",
    "saysel.files",
    "saysel.hf",
    "saysel.interfaces",
    "saysel.records",
    "saysel.registry",
    "saysel.scoring",
    "saysel.storage",
    "saysel.testing",
    "saysel.trainers.judged_replies",
    "saysel.trainers.lora",
    "saysel.workers",
)
#: The rest of the registry is for saysel itself.
ONLY = {"saysel.registry": ("build",)}


def names(module: str) -> tuple[str, ...]:
    """The public names of a module, sorted."""
    return tuple(sorted(ONLY.get(module) or import_module(module).__all__))


def text() -> str:
    """All public names, a line each, with the members of classes below them."""
    lines = []
    for module in MODULES:
        lines.append(module)
        for name in names(module):
            lines += [f"  {line}" for line in described(name, getattr(import_module(module), name))]
        lines.append("")
    return "\n".join(lines)


def described(name: str, value: Any) -> Iterator[str]:
    if inspect.isclass(value):
        bases = ", ".join(base.__name__ for base in value.__bases__ if base is not object)
        yield f"class {name}({bases})"
        for line in members(value):
            yield f"  {line}"
    elif inspect.isroutine(value):
        yield f"def {name}{signature(value)}"
    else:
        yield name


def members(cls: type) -> Iterator[str]:
    """The fields that a class declares, then its methods, without what is private or inherited."""
    fields = cls.model_fields if issubclass(cls, BaseModel) else {}
    for name, annotation in inspect.get_annotations(cls).items():
        if not name.startswith("_"):
            required = "" if name not in fields or fields[name].is_required() else " = …"
            yield f"{name}: {annotation}{required}"
    for name, value in sorted(vars(cls).items()):
        function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if name == "__init__" and inspect.isfunction(function) and not issubclass(cls, BaseModel):
            yield f"def __init__{signature(function)}"
        elif not name.startswith("_") and inspect.isfunction(function):
            yield f"def {name}{signature(function)}"
        elif isinstance(value, property):
            yield f"property {name}"


def signature(function: Any) -> str:
    """The signature, without addresses of objects and the same in every version of Python."""
    shown = str(inspect.signature(function)).replace("'", "")
    return re.sub(r"<(?:function|object|factory)[^>]*>", "…", shown)


def main() -> None:
    FILE.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
