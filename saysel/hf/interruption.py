"""Ctrl-C between two steps of training, so that a checkpoint can be saved first."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from saysel.display.terminal import echo

SAVING = "Ctrl-C: saving a checkpoint after this step; press it again to stop at once"


class Interruption:
    """Whether Ctrl-C was pressed.

    Attributes:
        requested: training should save a checkpoint and raise KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self.requested = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        echo(("\n" if sys.stderr.isatty() else "") + SAVING, err=True)


@contextmanager
def deferred() -> Iterator[Interruption]:
    """Hold back the first Ctrl-C; a second one raises KeyboardInterrupt at once.

    Outside of the main thread, or where the process handles or ignores the signal already,
    nothing is changed.
    """
    interruption = Interruption()
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield interruption
        return
    signal.signal(signal.SIGINT, interruption._handle)
    try:
        yield interruption
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
