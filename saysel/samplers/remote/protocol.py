"""What passes between the layers of a remote sampler: answers, failures, and small conversions."""

from __future__ import annotations

from typing import NamedTuple

from saysel.costs.usage import Usage
from saysel.errors import StageError
from saysel.records import Generation

#: Finish reasons of other servers, as the OpenAI API names them.
FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "max_tokens": "length",
    "max_length": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "refusal": "content_filter",
    "safety": "content_filter",
}
#: Finish reasons of replies that the server broke off because it failed.
SERVER_FAILED = frozenset({"error", "insufficient_system_resource"})
#: Characters of an unknown finish reason that are kept.
MAX_FINISH_REASON_LENGTH = 40


class Answer(NamedTuple):
    """What a server returned for one request; `usage` is `None` if it reported none."""

    samples: list[Generation]
    usage: Usage | None


# ------------------------------------------------------------------------------------ transport


class NoResponse(Exception):
    """No complete response arrived: the connection failed, broke, or took too long.

    Attributes:
        certificate: whether the server's certificate was rejected, so that retrying is useless.
    """

    def __init__(self, reason: str, certificate: bool = False) -> None:
        super().__init__(reason)
        self.certificate = certificate


class TimedOut(NoResponse):
    """The response was not complete within the time limit."""


class UnreadableBody(Exception):
    """The body of a response is too large or cannot be decompressed."""


# ------------------------------------------------------------------------------------- requests


class UnusableResponse(Exception):
    """A response arrived, but holds no sample. It may have been billed; retrying may help.

    Attributes:
        usage: what it cost, if the server reported it.
    """

    def __init__(self, reason: str, usage: Usage | None = None) -> None:
        super().__init__(reason)
        self.usage = usage


class TemporaryFailure(Exception):
    """The server is busy, failed, timed out or cannot be reached; retrying may help.

    Attributes:
        failure: the error to raise when no attempts are left.
        status: HTTP status; 0 without a response.
        wait: seconds that the server asks to wait; `None` if it does not say.
    """

    def __init__(self, failure: StageError, status: int = 0, wait: float | None = None) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.status = status
        self.wait = wait


class RequestRejected(Exception):
    """The server rejects this request: its content, its length or one of its parameters."""


class PromptRefused(Exception):
    """A server that answers other prompts has no usable answer to this one.

    Attributes:
        failure: the error to raise where a refusal ends the stage.
    """

    def __init__(self, failure: StageError) -> None:
        super().__init__(str(failure))
        self.failure = failure


# ---------------------------------------------------------------------------------- conversions


def read_finish_reason(reported: object) -> str | None:
    """Why a reply ended, as the OpenAI API names it; `None` if the server does not say."""
    if not isinstance(reported, str) or not reported.strip():
        return None
    reason = reported.strip().lower()
    printable = "".join(filter(str.isprintable, reason))
    return FINISH_REASONS.get(reason, printable[:MAX_FINISH_REASON_LENGTH])


def valid_unicode(text: str) -> str:
    """The text with unpaired surrogates, which UTF-8 cannot encode, as question marks."""
    return text.encode("utf-8", "replace").decode()


def times(number: int) -> str:
    """`1 time`, `2 times`."""
    return f"{number} time{'' if number == 1 else 's'}"
