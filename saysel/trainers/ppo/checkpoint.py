"""The state that PPO needs to resume from a step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saysel.hf import processes, sharding
from saysel.storage import intact, write_checked
from saysel.trainers.ppo.learner import Learner
from saysel.trainers.ppo.policy import Policy

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Checkpoint:
    """The file with the last saved state of a training run.

    Attributes:
        path: the file, which need not exist.
        policy, optimizer, schedule, learner: the objects whose state it holds.
    """

    path: Path
    policy: Policy
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    learner: Learner

    def restore(self) -> int:
        """Restore the saved state, if there is any; returns the number of finished steps."""
        import torch

        if not intact(self.path):
            return 0
        device = self.policy.model.device
        state: dict[str, Any] = torch.load(self.path, map_location=device, weights_only=True)
        self.policy.restore(state["policy"])
        sharding.load_optimizer(self.optimizer, state["optimizer"])
        self.schedule.load_state_dict(state["decay"])
        self.learner.restore(state["learner"])
        step: int = state["step"]
        return step

    def save(self, step: int) -> None:
        """Save the state after `step` steps."""
        import torch

        state = {
            "policy": self.policy.state(),
            "optimizer": sharding.whole(self.optimizer.state_dict()),
            "decay": self.schedule.state_dict(),
            "learner": self.learner.state(),
            "step": step,
        }
        if processes.rank() == 0:
            write_checked(self.path, partial(torch.save, state))
