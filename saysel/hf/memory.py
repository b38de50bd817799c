"""Recognises that memory ran out, and frees memory."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

#: Messages of the libraries' RuntimeErrors, on accelerators and on the CPU.
OUT_OF_MEMORY_MESSAGES = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "bad_alloc",
)


def ran_out(error: BaseException) -> bool:
    """Whether an error means that memory ran out."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(
        message in str(error).lower() for message in OUT_OF_MEMORY_MESSAGES
    )


def release() -> None:
    """Free what a failed attempt allocated; call it outside the `except` block of the error."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def attempt(compute: Callable[[], Result]) -> Result | None:
    """The result of a computation; `None` if memory ran out, after freeing what it allocated."""
    try:
        return compute()
    except (RuntimeError, MemoryError) as error:
        if not ran_out(error):
            raise
    # Outside the `except` block, in which the error would keep the memory alive.
    release()
    return None
