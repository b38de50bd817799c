"""The most likely tokens at each place of a reply, as servers with OpenAI's API return them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from saysel.records import TokenChoice

Choices = tuple[tuple[TokenChoice, ...], ...]


def read_choices(given: Mapping[str, Any], chat: bool) -> Choices | None:
    """For each token, that token and then the most likely ones; `None` if anything is missing.

    Args:
        given: the field `logprobs` of a choice.
        chat: whether it is that of a chat completion, or of a text completion.
    """
    try:
        return tuple(_chat_place(place) for place in given["content"]) if chat else _text(given)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _chat_place(place: Mapping[str, Any]) -> tuple[TokenChoice, ...]:
    return tuple(_choice(token["token"], token["logprob"]) for token in _all(place))


def _all(place: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [place, *place["top_logprobs"]]


def _text(given: Mapping[str, Any]) -> Choices:
    tokens, logprobs = given["tokens"], given["token_logprobs"]
    places = zip(tokens, logprobs, given["top_logprobs"], strict=True)
    return tuple(
        (_choice(token, logprob), *(_choice(*each) for each in top.items()))
        for token, logprob, top in places
    )


def _choice(text: object, logprob: object) -> TokenChoice:
    if not isinstance(text, str) or not is_logprob(logprob):
        raise ValueError("not a token with its log-probability")
    return TokenChoice(text, float(logprob))  # type: ignore[arg-type]


def is_logprob(value: object) -> bool:
    """Whether a value is a finite log-probability."""
    return isinstance(value, int | float) and math.isfinite(value) and value <= 1e-6
