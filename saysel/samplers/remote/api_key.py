"""The key of a server: found in the environment, sent to nobody else, shown nowhere."""

from __future__ import annotations

import os
from dataclasses import dataclass

from saysel.errors import UsageError


@dataclass(frozen=True)
class ApiKey:
    """Where the key of a server is.

    Attributes:
        sampler: who asks, for messages.
        variable: environment variable that holds the key to send; `None`: none is sent.
        usual: the provider's usual variable, whose content is never shown either.
    """

    sampler: str
    variable: str | None
    usual: str

    def value(self) -> str | None:
        """The key to send; `None`: none.

        Raises:
            UsageError: the environment variable that is to hold it does not.
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
        names = filter(None, (self.variable, self.usual))
        return tuple(filter(None, (os.environ.get(name, "").strip() for name in names)))

    def refused(self, status: int) -> str:
        """What a status of 401 or 403 means."""
        if self.variable is None:
            return (
                f"the server wants a key (status {status}), and none was sent: name the "
                "environment variable that holds it with key_from"
            )
        return (
            f"the server refuses the key in {self.variable} (status {status}): set another; "
            "nothing more was asked"
        )


def header_from(variable: str) -> str:
    """The content of an environment variable, to be sent as a header; empty if it is not set.

    Raises:
        UsageError: it cannot be sent; what it holds is not repeated.
    """
    value = os.environ.get(variable, "").strip()
    if not (value.isascii() and value.isprintable()):
        raise UsageError(
            f"the environment variable {variable} holds characters that no key has, such as a line "
            "break: set it again"
        )
    return value
