"""Token counts as a server reports them for one request."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

#: A higher token count is taken for an error of the server.
MAX_PLAUSIBLE_TOKENS = 10**9


class Usage(NamedTuple):
    """Tokens that a server counted for one request: in the prompt, and in all its samples."""

    input_tokens: int
    output_tokens: int


def read_usage(
    content: Mapping[str, Any],
    input_field: str,
    output_field: str,
    *,
    cache_fields: Sequence[str] = (),
    total_field: str = "",
) -> Usage | None:
    """The usage in a JSON response; `None` unless both fields are plausible token counts.

    Two zeros count as no usage: some servers report them when they do not count.

    Args:
        cache_fields: input tokens that are not part of the input field.
        total_field: the sum. What it has in addition to input and output is output: servers of
            Gemini and Grok count the tokens of reasoning only there.
    """
    reported = content.get("usage")
    if not isinstance(reported, dict):
        return None
    input_tokens = _token_count(reported.get(input_field))
    output_tokens = _token_count(reported.get(output_field))
    if input_tokens is None or output_tokens is None or input_tokens == output_tokens == 0:
        return None
    input_tokens += sum(_token_count(reported.get(field)) or 0 for field in cache_fields)
    total = _token_count(reported.get(total_field)) or 0
    return Usage(input_tokens, max(output_tokens, total - input_tokens))


def _token_count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not math.isfinite(value) or value != int(value) or not 0 <= value <= MAX_PLAUSIBLE_TOKENS:
        return None
    return int(value)
