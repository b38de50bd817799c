"""Results and errors of one process, as another process receives them."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from saysel.errors import SayselError, StageError


@dataclass(frozen=True)
class Failure:
    """An error on its way to the first process."""

    pickled: bytes | None
    text: str
    expected: bool
    traceback: str

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        pickled = None
        with suppress(Exception):  # an exception with unusual arguments may not survive it
            copy = pickle.dumps(error)
            if str(pickle.loads(copy)) == str(error):
                pickled = copy
        lines = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        return cls(pickled, str(error), isinstance(error, SayselError), lines)

    def error(self) -> BaseException:
        """The error again, with the traceback of the process that raised it as its cause."""
        if self.pickled is not None:
            error: BaseException = pickle.loads(self.pickled)
        else:
            error = StageError(self.text) if self.expected else RuntimeError(self.text)
        error.__cause__ = ErrorInOtherProcess(f"\n{self.traceback}")
        return error


class ErrorInOtherProcess(Exception):
    """The traceback of an error in another process."""


@dataclass(frozen=True)
class Outcome:
    """What a function returned for an item, or why it failed."""

    result: Any = None
    failure: Failure | None = None


def outcome(function: Callable[[Any], Any], item: Any) -> Outcome:
    """What a function returns for an item, or why it fails there."""
    try:
        return Outcome(function(item))
    except Exception as error:
        return Outcome(failure=Failure.of(error))
