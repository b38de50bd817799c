"""Values of a JSON file: one object per line, one list of objects, or objects in sequence."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from saysel.errors import DataError

SPACE = re.compile(r"\s*")
#: JSON can spell half of a surrogate pair, but no tokenizer accepts one.
SURROGATE = re.compile("[\ud800-\udfff]")
TOO_LARGE = "not JSON (a number or list that is too long or too deep): fix or remove it"


class Located(NamedTuple):
    """A value of a file.

    Attributes:
        number: its line, or its position in the list, from 1.
        place: the same for messages: `line 7`, `entry 7`.
        value: the parsed JSON.
    """

    number: int
    place: str
    value: Any


def json_in(text: str, path: Path, line: int) -> Any:
    """The value of one line of a file.

    Raises:
        DataError: it is not JSON.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(_not_json(path, line, error)) from None
    except (ValueError, RecursionError):
        raise DataError(f"{path}, line {line}: {TOO_LARGE}") from None


def json_rows(text: str, path: Path) -> list[Located]:
    """The values of a file in any layout.

    The layouts are JSON Lines, one list, an object that holds a list under `data`, and objects
    that are spread over several lines.

    Raises:
        DataError: it is not JSON, or contains half of a surrogate pair; the message names the
            line or entry.
    """
    values = _values(text, path)
    if "\\ud" in text.lower():
        for _, place, value in values:
            check_characters(value, f"{path}, {place}")
    return values


def check_characters(value: Any, where: str) -> None:
    """Refuse a value with half of a surrogate pair in one of its texts.

    Raises:
        DataError: it has one.
    """
    if half := SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise DataError(f"{where}: half of a character (\\u{ord(half[0]):04x}): fix or remove it")


def _values(text: str, path: Path) -> list[Located]:
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        return []
    if len(lines) > 1 and _complete(lines[0][1]):
        return [Located(n, f"line {n}", json_in(line, path, n)) for n, line in lines]
    documents = _documents(text, path, lines)
    if len(documents) > 1:
        return documents
    (document,) = documents
    content = document.value
    if isinstance(content, dict):  # "Data": as TriviaQA is published
        lists = [content[key] for key in ("Data", "data") if isinstance(content.get(key), list)]
        content = lists[0] if lists else content
    if isinstance(content, list):
        return [Located(n, f"entry {n}", value) for n, value in enumerate(content, 1)]
    return documents


def _complete(line: str) -> bool:
    """Whether a line is a JSON value by itself."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _documents(text: str, path: Path, lines: list[tuple[int, str]]) -> list[Located]:
    """Values in sequence, each of which may span several lines.

    Args:
        lines: the lines that are not blank, with their numbers. They are used to report an error
            in JSON Lines on the line that has it, and not where the decoder fails.
    """
    decode = json.JSONDecoder().raw_decode
    values: list[Located] = []
    line, counted, position = 1, 0, _after_space(text, 0)
    while position < len(text):
        line += text.count("\n", counted, position)
        counted = position
        try:
            value, end = decode(text, position)
        except (ValueError, RecursionError) as error:
            number, first = lines[0]
            if first[0] == "{" and any(more[0] == "{" and _complete(more) for _, more in lines):
                json_in(first, path, number)
            if isinstance(error, json.JSONDecodeError):
                raise DataError(_not_json(path, error.lineno, error)) from None
            raise DataError(f"{path}, line {line}: {TOO_LARGE}") from None
        values.append(Located(line, f"line {line}", value))
        position = _after_space(text, end)
    return values


def _after_space(text: str, position: int) -> int:
    space = SPACE.match(text, position)
    assert space is not None  # the pattern matches the empty string
    return space.end()


def _not_json(path: Path, line: int, error: json.JSONDecodeError) -> str:
    return (
        f"{path}, line {line}: not JSON ({error.msg} at column {error.colno}): "
        "fix or remove the line"
    )
