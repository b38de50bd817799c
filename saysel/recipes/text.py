"""Recipe files as text: strict YAML in UTF-8 with a mapping at the top level.

Unlike in PyYAML, duplicate keys are an error, and `1e-5` is a number.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from saysel.errors import UsageError
from saysel.recipes.values import MAX_VALUES


class RecipeLoader(yaml.SafeLoader):
    """PyYAML's safe loader, without duplicate keys and with scientific notation."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        lines: dict[Hashable, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key: object = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                continue  # PyYAML refuses it
            if key in lines:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key '{key}' was already given on line {lines[key]}",
                    problem_mark=key_node.start_mark,
                )
            lines[key] = key_node.start_mark.line + 1
        return super().construct_mapping(node, deep=deep)


class RecipeDumper(yaml.SafeDumper):
    """PyYAML's safe dumper, which also preserves unusual line breaks in unquoted text."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        style = '"' if any(mark in text for mark in "\x85\u2028\u2029\ufeff") else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


RecipeDumper.add_representer(str, RecipeDumper.represent_text)

for yaml_class in (RecipeLoader, RecipeDumper):  # the dumper, so that it quotes "1e5"
    yaml_class.add_implicit_resolver(
        "tag:yaml.org,2002:float",
        re.compile(r"^[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9]+)[eE][-+]?[0-9]+$"),
        list("-+.0123456789"),
    )


def parse_yaml(text: str) -> Any:
    """The value of a piece of YAML.

    Raises:
        ValueError: it is not YAML; the message starts with the line.
    """
    try:
        return _constructed(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(f"{line}{error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split())) from error


def _constructed(text: str) -> Any:
    loader = RecipeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _size(node, {})
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _size(node: yaml.Node, sizes: dict[int, int | None]) -> int:
    """The number of values of a node; those repeated by aliases count each time.

    Raises:
        ValueError: it contains itself, or has more values than any recipe.
    """
    known = sizes.get(id(node), 0)
    if known is None:
        line = node.start_mark.line + 1
        raise ValueError(f"line {line}: an alias refers to a value that contains itself")
    if known:
        return known
    sizes[id(node)] = None
    parts = node.value if isinstance(node, yaml.CollectionNode) else []
    size = 1
    for part in parts:
        size += sum(_size(item, sizes) for item in (part if isinstance(part, tuple) else (part,)))
    if size > MAX_VALUES:
        line = node.start_mark.line + 1
        raise ValueError(
            f"line {line}: has more than {MAX_VALUES:,} values; those repeated by aliases "
            "count each time"
        )
    sizes[id(node)] = size
    return size


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a recipe file.

    Raises:
        UsageError: there is no such file, it cannot be read, is empty, not UTF-8, not YAML, or
            not a mapping.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise UsageError(f"{path}: is a directory, not a recipe file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        data = error.object  # without the byte order mark, if there is one
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(
            f"{path}: line {line} is not UTF-8 (byte 0x{data[error.start]:02x}); save it as UTF-8"
        ) from error
    try:
        content = parse_yaml(text)
    except ValueError as error:
        raise UsageError(f"{path}: not a YAML file: {error}") from error
    if content is None:
        raise UsageError(f"{path}: is empty; a recipe needs at least a source")
    if not isinstance(content, dict):
        kind = type(content).__name__
        what = {"list": "a list", "str": "a string"}.get(kind, f"of type {kind}")
        raise UsageError(f"{path}: must be a mapping of keys to values, but is {what}")
    for key in content:
        if not isinstance(key, str):
            raise UsageError(f"{path}: the key {key!r} must be a string")
    return content


def dump_yaml(content: dict[str, Any]) -> str:
    """YAML that `parse_yaml` reads back unchanged."""
    return yaml.dump(content, Dumper=RecipeDumper, sort_keys=False, allow_unicode=True, width=100)
