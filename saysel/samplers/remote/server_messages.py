"""A server's own words about an error: found in whatever it returned, cleaned and bounded."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Any

from saysel.samplers.remote.http_responses import parse_json

#: Characters of a server's message that are shown.
MAX_SHOWN = 300
#: Bytes of a body that are searched for a message.
MAX_SEARCHED = 64 * 1024
#: Names under which servers put a message, the most telling first.
MESSAGE_KEYS = ("message", "detail", "msg", "error_description", "error", "errors", "title")
TITLE = re.compile(r"<(title|h1)\b[^>]{0,200}>([^<]{1,500})", re.IGNORECASE)
INVISIBLE = re.compile(r"<(script|style)\b.*?(?:</\1|\Z)", re.IGNORECASE | re.DOTALL)
TAG = re.compile(r"<[^<>]*>")


def server_message(body: bytes, *secrets: str) -> str:
    """What a body says about an error, on one line; empty if it says nothing.

    Reads OpenAI's and Anthropic's errors, FastAPI's `detail`, HTML pages and plain text.

    Args:
        secrets: texts to remove, such as the key that was sent: a server may repeat it.
    """
    body = body[:MAX_SEARCHED]
    if is_html(body):
        return clean(_html_text(body.decode("utf-8", "replace")), *secrets)
    try:
        content = parse_json(body)
    except ValueError:
        content = None
    message = _message(content) or body.decode("utf-8", "replace")
    return clean(message, *secrets)


def error_in(content: Any) -> Any:
    """The error that a JSON body reports beside or instead of a result; `None` without one."""
    if not isinstance(content, dict):
        return None
    if content.get("error"):
        return content["error"]
    if content.get("object") == "error" or content.get("type") == "error":
        return content
    results = any(content.get(key) for key in ("choices", "content"))
    return None if results else content.get("detail") or content.get("errors")


def is_html(body: bytes) -> bool:
    """Whether a body is a web page, as proxies and wrong addresses return."""
    start = body[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype", b"<html", b"<head", b"<body"))


def clean(text: str, *secrets: str) -> str:
    """A text from outside on one line: no secrets, no control characters, not too long."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "(key)")
    text = text[: MAX_SHOWN * 10]
    # Terminal escapes, and marks that turn the direction of what follows.
    shown = "".join(" " if unicodedata.category(char)[0] == "C" else char for char in text)
    shown = " ".join(shown.split())
    return shown if len(shown) <= MAX_SHOWN else f"{shown[: MAX_SHOWN - 1]}…"


def _message(content: Any, depth: int = 4) -> str:
    """The first message in an error's fields, a list of errors joined; empty without one."""
    if isinstance(content, str) or depth == 0:
        return content if isinstance(content, str) else ""
    if isinstance(content, list):
        parts = [_message(part, depth - 1) for part in content[:5]]
        return "; ".join(filter(None, parts))
    if not isinstance(content, dict):
        return ""
    message = next(
        filter(None, (_message(content.get(key), depth - 1) for key in MESSAGE_KEYS)), ""
    )
    # FastAPI names the field that it rejects beside the message.
    where = content.get("loc")
    if message and isinstance(where, list):
        return (
            f"{'.'.join(str(step) for step in where[:6] if isinstance(step, str | int))}: {message}"
        )
    return message


def _html_text(page: str) -> str:
    """The title or heading of a page, else its visible text."""
    titles = list(dict.fromkeys(html.unescape(found[2]).strip() for found in TITLE.finditer(page)))
    return ": ".join(titles) or html.unescape(TAG.sub(" ", INVISIBLE.sub(" ", page)))
