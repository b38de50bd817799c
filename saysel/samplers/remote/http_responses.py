"""What comes back from a server that is not trusted: JSON of limited depth, waits, failures."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any


class NoResponse(Exception):
    """No whole response arrived: no connection, a broken one, or not in time.

    Attributes:
        certificate: whether the server's certificate is the reason; trying again will not help.
    """

    def __init__(self, reason: str, certificate: bool = False) -> None:
        super().__init__(reason)
        self.certificate = certificate


class TimedOut(NoResponse):
    """The response was not complete within the time allowed."""


class UnreadableBody(Exception):
    """A response arrived whose body is too large or cannot be decompressed."""


def parse_json(body: bytes) -> Any:
    """A JSON body; whole numbers of 300 digits and more become infinite.

    Raises:
        ValueError: it is no JSON, or nested more deeply than Python reads.
    """
    try:
        return json.loads(body.decode("utf-8-sig", "replace"), parse_int=_integer)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None
    except json.JSONDecodeError:
        raise ValueError("no JSON") from None


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < 300 else float(digits)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: a number or a date; `None` if it does not say."""
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
