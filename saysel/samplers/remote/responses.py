"""Reading what an untrusted server returned: JSON, waiting times and error messages."""

from __future__ import annotations

import html
import json
import math
import re
import time
import unicodedata
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

#: Characters of a server's message that are shown.
MAX_MESSAGE_LENGTH = 300
#: Bytes of a body that are searched for a message.
MAX_SEARCHED_BYTES = 64 * 1024
#: Integers with this many digits or more are read as infinity.
MAX_INTEGER_DIGITS = 300
#: Nesting of fields that is searched for a message.
MAX_MESSAGE_DEPTH = 4
#: Fields in which servers put a message, the most specific first.
MESSAGE_FIELDS = ("message", "detail", "msg", "error_description", "error", "errors", "title")
HTML_TITLE = re.compile(r"<(title|h1)\b[^>]{0,200}>([^<]{1,500})", re.IGNORECASE)
HTML_INVISIBLE = re.compile(r"<(script|style)\b.*?(?:</\1|\Z)", re.IGNORECASE | re.DOTALL)
HTML_TAG = re.compile(r"<[^<>]*>")


def parse_json(body: bytes) -> Any:
    """The content of a JSON body.

    Raises:
        ValueError: it is not JSON, or nested more deeply than Python can read.
    """
    try:
        return json.loads(body.decode("utf-8-sig", "replace"), parse_int=_integer)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None
    except json.JSONDecodeError:
        raise ValueError("not JSON") from None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait, given as a number or a date; `None` if it does not."""
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        value = headers.get(name, "")
        try:
            seconds = float(value) * unit
        except ValueError:
            try:
                seconds = parsedate_to_datetime(value).timestamp() - time.time()
            except (ValueError, TypeError, OverflowError):
                continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    return None


def server_message(body: bytes, *secrets: str) -> str:
    """What a body says about an error, on one line; empty if it says nothing.

    Reads errors of OpenAI and Anthropic, FastAPI's `detail`, HTML pages and plain text.

    Args:
        secrets: texts to remove, such as the API key: a server may repeat it.
    """
    body = body[:MAX_SEARCHED_BYTES]
    if is_html(body):
        return clean(_html_text(body.decode("utf-8", "replace")), *secrets)
    try:
        content = parse_json(body)
    except ValueError:
        content = None
    message = _message(content) or body.decode("utf-8", "replace")
    return clean(message, *secrets)


def error_in(content: Any) -> Any:
    """The error in a JSON body, which may also hold a result; `None` if there is no error."""
    if not isinstance(content, dict):
        return None
    if content.get("error"):
        return content["error"]
    if content.get("object") == "error" or content.get("type") == "error":
        return content
    has_result = any(content.get(field) for field in ("choices", "content"))
    return None if has_result else content.get("detail") or content.get("errors")


def is_html(body: bytes) -> bool:
    """Whether a body is a web page, as proxies and wrong URLs return."""
    start = body[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype", b"<html", b"<head", b"<body"))


def clean(text: str, *secrets: str) -> str:
    """An untrusted text on one line: shortened, without secrets and control characters."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "(key)")
    text = text[: MAX_MESSAGE_LENGTH * 10]
    # Terminal escapes, and marks that reverse the direction of what follows.
    visible = "".join(" " if unicodedata.category(char)[0] == "C" else char for char in text)
    line = " ".join(visible.split())
    return line if len(line) <= MAX_MESSAGE_LENGTH else f"{line[: MAX_MESSAGE_LENGTH - 1]}…"


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < MAX_INTEGER_DIGITS else float(digits)


def _message(content: Any, depth: int = MAX_MESSAGE_DEPTH) -> str:
    """The first message in an error's fields; several errors are joined; empty without any."""
    if isinstance(content, str) or depth == 0:
        return content if isinstance(content, str) else ""
    if isinstance(content, list):
        parts = [_message(part, depth - 1) for part in content[:5]]
        return "; ".join(filter(None, parts))
    if not isinstance(content, dict):
        return ""
    messages = (_message(content.get(field), depth - 1) for field in MESSAGE_FIELDS)
    message = next(filter(None, messages), "")
    # FastAPI puts the path of the rejected field next to the message.
    path = content.get("loc")
    if message and isinstance(path, list):
        field = ".".join(str(step) for step in path[:6] if isinstance(step, str | int))
        return f"{field}: {message}"
    return message


def _html_text(page: str) -> str:
    """The title and headings of a page, or else its visible text."""
    titles = [html.unescape(match[2]).strip() for match in HTML_TITLE.finditer(page)]
    visible = HTML_TAG.sub(" ", HTML_INVISIBLE.sub(" ", page))
    return ": ".join(dict.fromkeys(titles)) or html.unescape(visible)
