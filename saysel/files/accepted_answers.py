"""The accepted answers of a question, in the shapes in which data sets hold them.

The shapes are a text; a list, nested or not; the objects of SQuAD (`{"text": [...]}`) and TriviaQA
(`{"value": …, "aliases": [...]}`); and each of these written into a text, as JSON, as Python shows
it, or as pandas shows numpy arrays (`['Paris' 'Lutetia']`).
"""

from __future__ import annotations

import ast
import io
import json
import math
import tokenize
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from saysel.errors import DataError

#: Keys under which an object holds answers, compared without case; `aliases` never stands alone.
KEYS = ("value", "text", "answer", "answers", "aliases")
#: A text with more characters is one answer.
MAX_CHARACTERS = 200_000
#: Names that Python and numpy write around a list when they show it.
WRAPPERS = ("array", "list", "tuple", "set", "frozenset")
MISSING = ("nan", "None")


def accepted_answers(
    value: object, column: str, where: str, separator: str | None = None
) -> tuple[str, ...]:
    """The answers that a column holds, in order; blank ones are left out.

    Args:
        value: what the column holds. A list written in a text is read only if one of its items is a
            text: `[0, 1]` is an interval. Texts inside a list are not read any further.
        column, where: the column's name and the row's place, for the message.
        separator: splits a text into several answers, unless it shows a list or an object.

    Raises:
        DataError: it is an object without any of the known keys, or a value that is not a text, a
            number or a truth value.
    """
    if isinstance(value, str):
        written = written_in(value)
        if written is not None:
            value = written
        elif separator is not None:
            value = value.split(separator)
    try:
        return tuple(text for text in _texts(value) if text.strip())
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{where}: '{column}' must hold a text, a list of texts, or an object with "
            f"{', '.join(KEYS[:-1])} ({error})"
        ) from None


def distinct(texts: Iterable[str]) -> tuple[str, ...]:
    """The texts that are not blank, stripped, without duplicates, in order."""
    return tuple(dict.fromkeys(text.strip() for text in texts if text and text.strip()))


def _texts(value: object) -> Iterator[str]:
    """The texts in a value.

    Raises:
        ValueError: one of its parts cannot be an answer.
    """
    if hasattr(value, "tolist"):  # an array of numpy, or one of its numbers
        value = value.tolist()
    if isinstance(value, str):
        yield value
    elif value is None or (isinstance(value, float) and math.isnan(value)):
        return
    elif isinstance(value, bool | int | float):
        yield str(value)
    elif value is ...:
        raise ValueError("the list was shortened when it was written")
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Mapping):
        by_key = {str(key).lower(): item for key, item in value.items()}
        if not set(KEYS[:-1]) & set(by_key):
            raise ValueError(f"got an object with {', '.join(map(str, value)) or 'nothing in it'}")
        for key in KEYS:
            yield from _texts(by_key.get(key))
    else:
        raise ValueError(f"got {value!r:.40}")


def written_in(text: str) -> list[Any] | dict[Any, Any] | None:
    """The list of texts or the object that a text shows; `None` for any other text."""
    text = text.strip()
    if text == "[]":
        return []
    if (
        len(text) > MAX_CHARACTERS
        or text[-1:] not in tuple("])}")
        or not ('"' in text or "'" in text)
    ):
        return None
    for read in (json.loads, _shown):
        with suppress(ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            value = read(text)
            if isinstance(value, dict):
                return value
            if isinstance(value, list) and (not value or _holds_text(value)):
                return value
    return None


def _holds_text(value: object) -> bool:
    """Whether a text or an object is among the items of a list, at any depth."""
    if isinstance(value, list):
        return any(map(_holds_text, value))
    return isinstance(value, str | dict)


def _shown(text: str) -> Any:
    """The value that Python, numpy or pandas shows like this.

    Raises:
        ValueError, SyntaxError: it is something else.
    """
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, IndentationError) as error:
        raise ValueError(text) from error
    pieces: list[str] = []
    ended = False
    for token in tokens:
        if token.type in (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT):
            continue
        literal = token.type in (tokenize.STRING, tokenize.NUMBER) or token.string == "..."
        # numpy shows neighbours without a comma, and Python reads two texts as one.
        if ended and (literal or token.type == tokenize.NAME or token.string in ("[", "(", "{")):
            pieces.append(",")
        pieces.append(token.string)
        ended = literal or token.string in ("]", ")", "}", *MISSING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a data set may contain escapes that Python does not know
        return _value(ast.parse(" ".join(pieces), mode="eval").body)


def _value(node: ast.expr) -> Any:
    """A literal, with or without a wrapper such as `array(…)`; nothing is ever called.

    Raises:
        ValueError: it is something else.
    """
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        keys = (ast.literal_eval(key) if key else None for key in node.keys)
        return dict(zip(keys, map(_value, node.values), strict=True))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        if name in WRAPPERS and len(node.args) == 1:
            return _value(node.args[0])
    if isinstance(node, ast.Name) and node.id in MISSING:
        return None
    return ast.literal_eval(node)
