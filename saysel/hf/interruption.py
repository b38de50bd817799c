"""Delays Ctrl-C to the end of a training step, so that a checkpoint can be saved first."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from saysel.display.terminal import echo

SAVING_MESSAGE = "Ctrl-C: saving a checkpoint after this step; press it again to stop at once"


class Interruption:
    """Whether Ctrl-C was pressed.

    Attributes:
        requested: if so, training should save a checkpoint and raise KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self.requested = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        echo(("\n" if sys.stderr.isatty() else "") + SAVING_MESSAGE, err=True)


@contextmanager
def defer_interrupt() -> Iterator[Interruption]:
    """Record the first Ctrl-C instead of raising; a second one raises KeyboardInterrupt at once.

    Does nothing outside the main thread, or if the process already handles or ignores the signal.
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
