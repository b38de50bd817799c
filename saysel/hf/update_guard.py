"""Skips updates that are not finite, and stops training after several in a row."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from saysel.errors import StageError
from saysel.hf.sharding import gradient_norm

#: Training stops after this many skipped updates in a row.
MAX_SKIPPED_IN_A_ROW = 5


class UpdateGuard:
    """Decides whether an update may be applied.

    A single NaN or infinity in a gradient would make every weight NaN, so a bad batch is skipped.

    Attributes:
        skipped: number of updates skipped so far.
    """

    def __init__(self, trainer: str) -> None:
        """
        Args:
            trainer: the trainer's name, for messages.
        """
        self.trainer = trainer
        self.skipped = 0
        self._in_a_row = 0

    def allows(self, **measured: float) -> bool:
        """Whether the loss and the norm of the gradient are finite.

        Raises:
            StageError: they were not in the last `MAX_SKIPPED_IN_A_ROW` updates.
        """
        if all(map(math.isfinite, measured.values())):
            self._in_a_row = 0
            return True
        self.skipped += 1
        self._in_a_row += 1
        if self._in_a_row >= MAX_SKIPPED_IN_A_ROW:
            values = ", ".join(f"{name} {value:g}" for name, value in measured.items())
            raise StageError(
                f"{self.trainer}: {self._in_a_row} updates in a row were not finite and were "
                f"skipped (the last: {values}): lower learning_rate, or train in another dtype "
                "(model.dtype: bfloat16 or float32)"
            )
        return False


def guard_callback(trainer: str, log: Callable[..., None] | None) -> Any:
    """An `UpdateGuard` as a callback of a transformers Trainer.

    It sees only gradients, which are not finite if the loss is not. A skipped update changes
    neither weights nor optimizer, but its step counts.

    Args:
        log: records `skipped_updates` with the `step`.
    """
    from transformers import TrainerCallback

    guard = UpdateGuard(trainer)

    class Guard(TrainerCallback):  # type: ignore[misc]
        def on_pre_optimizer_step(
            self, args: Any, state: Any, control: Any, model: Any = None, **_: Any
        ) -> None:
            norm = float(gradient_norm(model.parameters()))
            if not guard.allows(gradient_norm=norm):
                for weight in model.parameters():
                    weight.grad = None
                if log is not None:
                    log(step=float(state.global_step + 1), skipped_updates=1.0)

    return Guard()
