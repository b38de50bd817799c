"""What passes between a remote sampler and the scheduler of its requests."""

from __future__ import annotations

from typing import NamedTuple

from saysel.costs.usage import Usage
from saysel.errors import StageError
from saysel.records import Generation


class Answer(NamedTuple):
    """What a server returned for one request; `usage` is `None` where it did not count."""

    samples: list[Generation]
    usage: Usage | None


class Unusable(Exception):
    """A response arrived and holds no sample. It may have been billed; asking again may help.

    Attributes:
        usage: what it cost, if the server says so.
    """

    def __init__(self, reason: str, usage: Usage | None = None) -> None:
        super().__init__(reason)
        self.usage = usage


class TryAgain(Exception):
    """The server could not answer now: it is busy, failed, timed out or cannot be reached.

    Attributes:
        failure: the error to raise once there are no attempts left.
        status: HTTP status; 0 without one.
        wait: seconds that the server asks to wait; `None` if it does not say.
    """

    def __init__(self, failure: StageError, status: int = 0, wait: float | None = None) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.status = status
        self.wait = wait


class PromptRefused(Exception):
    """A server that answers others has no usable answer to one prompt.

    Attributes:
        failure: the error to raise where that ends the stage.
    """

    def __init__(self, failure: StageError) -> None:
        super().__init__(str(failure))
        self.failure = failure


class RequestRefused(Exception):
    """The server rejects this request: its content, its length or one of its parameters."""


#: Other servers' words for why a reply ended, in those of the OpenAI API.
FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "max_tokens": "length",
    "max_length": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "refusal": "content_filter",
    "safety": "content_filter",
}


def finish_reason_of(reported: object) -> str | None:
    """Why a reply ended, in the words of the OpenAI API; `None` if the server does not say."""
    if not isinstance(reported, str) or not reported.strip():
        return None
    words = reported.strip().lower()
    return FINISH_REASONS.get(words, "".join(filter(str.isprintable, words))[:40])


def well_formed(text: str) -> str:
    """A server's text as UTF-8 can hold it: half a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def shared_out(total: int, parts: int) -> list[int]:
    """A number shared out evenly, the first parts larger by one where it does not divide."""
    share, rest = divmod(total, parts) if parts else (0, 0)
    return [share + (part < rest) for part in range(parts)]


def times(number: int) -> str:
    """`1 time`, `2 times`."""
    return f"{number} time{'' if number == 1 else 's'}"
