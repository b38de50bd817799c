"""Running out of memory: what it looks like, and what to let go of."""

from __future__ import annotations

import gc

#: What the libraries say in a RuntimeError, on accelerators and on the CPU.
SAID = ("out of memory", "can't allocate memory", "not enough memory", "bad_alloc")


def ran_out(error: BaseException) -> bool:
    """Whether an error says that memory ran out."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(said in str(error).lower() for said in SAID)


def release() -> None:
    """Let go of what a failed attempt left behind; call it outside of the handler of the error."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
