"""Token counts as a server reports them for one request."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

#: A higher token count is taken for an error of the server.
MAX_PLAUSIBLE_TOKENS = 10**9


class Usage(NamedTuple):
    """Tokens that a server counted for one request: in the prompt, and in all its samples."""

    input_tokens: int
    output_tokens: int


def read_usage(content: Mapping[str, Any], input_field: str, output_field: str) -> Usage | None:
    """The usage in a JSON response; `None` unless both fields are plausible token counts.

    Two zeros count as no usage: some servers report them when they do not count.
    """
    reported = content.get("usage")
    if not isinstance(reported, dict):
        return None
    input_tokens = _token_count(reported.get(input_field))
    output_tokens = _token_count(reported.get(output_field))
    if input_tokens is None or output_tokens is None or input_tokens == output_tokens == 0:
        return None
    return Usage(input_tokens, output_tokens)


def _token_count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not math.isfinite(value) or value != int(value) or not 0 <= value <= MAX_PLAUSIBLE_TOKENS:
        return None
    return int(value)
