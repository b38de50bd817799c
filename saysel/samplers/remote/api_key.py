"""The API key of a server: read from the environment, sent to that server only, never shown."""

from __future__ import annotations

import os
from dataclasses import dataclass

from saysel.errors import UsageError


@dataclass(frozen=True)
class ApiKey:
    """Where the API key of a server is.

    Attributes:
        sampler: the sampler's name, for messages.
        variable: environment variable that holds the key; `None`: no key is sent.
        default_variable: the provider's usual variable, whose content is never shown either.
    """

    sampler: str
    variable: str | None
    default_variable: str

    def value(self) -> str | None:
        """The key; `None` if none is sent.

        Raises:
            UsageError: the environment variable is not set, or its content cannot be sent.
        """
        if self.variable is None:
            return None
        key = header_from(self.variable)
        if not key:
            raise UsageError(
                f"{self.sampler}: the environment variable {self.variable} holds no key: set it, "
                "or name another with key_from"
            )
        return key

    def secrets(self) -> tuple[str, ...]:
        """Texts that must not be shown, written or logged."""
        variables = filter(None, (self.variable, self.default_variable))
        return tuple(filter(None, (os.environ.get(name, "").strip() for name in variables)))

    def refused(self, status: int) -> str:
        """What the status 401 or 403 means."""
        if self.variable is None:
            return (
                f"the server requires a key (status {status}), and none was sent: name the "
                "environment variable that holds it with key_from"
            )
        return (
            f"the server refuses the key in {self.variable} (status {status}): set a valid one; "
            "no further request was sent"
        )


def header_from(variable: str) -> str:
    """The content of an environment variable, for a header; empty if it is not set.

    Raises:
        UsageError: it cannot be sent as a header; its content is not shown.
    """
    value = os.environ.get(variable, "").strip()
    if not (value.isascii() and value.isprintable()):
        raise UsageError(
            f"the environment variable {variable} holds characters that no key has, such as a line "
            "break: set it again"
        )
    return value
