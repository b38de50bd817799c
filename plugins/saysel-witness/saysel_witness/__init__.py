"""The witness world as an Inspect task and a verifiers taskset.

`WitnessTaskset` is imported on first use, because verifiers may not be installed.
"""

from __future__ import annotations

from typing import Any

__all__ = ["WitnessTaskset"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'saysel_witness' has no attribute '{name}'")
    from saysel_witness import taskset

    return getattr(taskset, name)
