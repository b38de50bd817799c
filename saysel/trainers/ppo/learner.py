"""Updates the policy and its value head from rollouts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from saysel import hf
from saysel.hf import data_parallel, sharding
from saysel.trainers.ppo.confidence_rewards import ConfidenceRewards
from saysel.trainers.ppo.losses import (
    adapt_coefficient,
    at_temperature,
    expected_reward_loss,
    policy_loss,
    value_loss,
)
from saysel.trainers.ppo.policy import Policy, PolicyOutput
from saysel.trainers.ppo.rollouts import Rollouts
from saysel.trainers.ppo.targets import Targets, make_targets
from saysel.trainers.ppo.token_statistics import logprobs_and_divergence

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from saysel.trainers.ppo.trainer import PPOTrainer

#: The norm to which gradients are clipped.
MAX_GRADIENT_NORM = 1.0


class Learner:
    """Turns rollouts into updates, and keeps the state that carries over between batches."""

    def __init__(
        self,
        options: PPOTrainer,
        policy: Policy,
        optimizer: torch.optim.Optimizer,
        confidence_tokens: hf.ConfidenceTokens | None = None,
    ) -> None:
        self.options = options
        self.policy = policy
        self.optimizer = optimizer
        self.confidence_tokens = confidence_tokens
        self.guard = hf.UpdateGuard("ppo")
        self.kl_factor = 1.0
        # Number and sum of squares of all rewards so far, for `scale_rewards`.
        self.reward_count = 0.0
        self.reward_squares = 0.0

    def targets(self, rollouts: Rollouts) -> Targets:
        """Advantages, returns and everything else that stays fixed during the updates."""
        scale = self._reward_scale(rollouts.rewards.sum(-1))
        return make_targets(self.options, self.policy, rollouts, scale)

    def update(
        self, rollouts: Rollouts, targets: Targets, generator: torch.Generator
    ) -> dict[str, float]:
        """Make `epochs` passes of updates over one batch.

        Returns:
            See `_figures`.

        Raises:
            StageError: several updates in a row were not finite.
        """
        import torch

        applied: list[dict[str, float]] = []
        skipped_before = self.guard.skipped
        for _ in range(self.options.epochs):
            order = torch.randperm(
                len(rollouts.ids), generator=generator, device=rollouts.ids.device
            )
            for rows in torch.split(order, self.options.mini_batch_size):
                # 1. The loss of a mini-batch and its gradient, clipped.
                self.optimizer.zero_grad(set_to_none=True)
                with self.policy.training():
                    loss, figures = self._accumulate(rollouts, targets, rows)
                data_parallel.average_gradients(
                    [*self.policy.parameters(), *self.policy.head.parameters()]
                )
                norm = sharding.clip_gradients(self.policy.parameters(), MAX_GRADIENT_NORM)
                # 2. Apply it, unless it is not finite.
                if self.guard.allows(loss=loss, gradient_norm=float(norm)):
                    applied.append(figures)
                else:
                    self.optimizer.zero_grad(set_to_none=True)
                self.optimizer.step()
        return self._figures(rollouts, targets, applied, self.guard.skipped - skipped_before)

    def _figures(
        self,
        rollouts: Rollouts,
        targets: Targets,
        applied: Sequence[dict[str, float]],
        skipped: int,
    ) -> dict[str, float]:
        """Adapt the KL factor, and summarise the updates on a batch.

        Returns:
            Means over the updates of KL per reply and of the losses; the KL factor; the sums of
            absolute advantages over the tokens of readable and of unreadable replies; the number
            of updates that were skipped because they were not finite, if any were; the figures
            of the targets.
        """
        figures = {
            name: fmean(update[name] for update in applied)
            for name in (applied[0] if applied else ())
        }
        if self.options.kl_target is not None and applied:
            self.kl_factor = adapt_coefficient(
                self.kl_factor, figures["kl"], self.options.kl_target
            )
        sizes = targets.advantages.abs().sum(-1)  # [B]
        figures |= {
            **targets.figures,
            "kl_factor": self.kl_factor,
            "advantage_readable": float((sizes * rollouts.readable).sum()),
            "advantage_unreadable": float((sizes * (1 - rollouts.readable)).sum()),
        }
        if skipped:
            figures["skipped_updates"] = float(skipped)
        return figures

    def _accumulate(
        self, rollouts: Rollouts, targets: Targets, rows: Tensor
    ) -> tuple[float, dict[str, float]]:
        """Add the gradient of a mini-batch's loss, one micro-batch after the other.

        Args:
            rows: which replies, [b].

        Returns:
            The loss, and its parts to record.
        """
        import torch

        # The shares of one token's value and of one reply in the loss of the mini-batch.
        value_share = 1 / targets.value_mask[rows].sum().clamp(min=1)
        reply_share = 1 / len(rows)
        # Gradients are averaged over processes, each of which has some of the replies.
        own, weights = data_parallel.own_rows(rows)
        size = self.options.micro_batch_size
        sums: dict[str, Tensor] = {}
        for part, weight in zip(torch.split(own, size), torch.split(weights, size), strict=True):
            losses = self._losses(rollouts, targets, part)  # [m] each
            parts = {name: (loss * weight).sum() * reply_share for name, loss in losses.items()}
            parts["value_loss"] = (losses["value_loss"] * weight).sum() * value_share
            loss = parts["policy_loss"] + parts["penalty"] + parts["value_loss"]
            torch.autograd.backward(loss)
            for name, value in {"loss": loss, **parts}.items():
                sums[name] = sums.get(name, 0) + value.detach()
        figures = {name: float(data_parallel.average(value)) for name, value in sums.items()}
        recorded = {name: figures[name] for name in ("kl", "policy_loss", "value_loss")}
        return figures["loss"], recorded

    def _losses(self, rollouts: Rollouts, targets: Targets, rows: Tensor) -> dict[str, Tensor]:
        """The losses of each reply of a micro-batch, and its KL divergence, [m].

        Args:
            rows: which replies, [m].
        """
        options, tokens = self.options, rollouts.tokens[rows]
        output = self.policy.forward(
            rollouts.ids[rows],
            rollouts.mask[rows],
            rollouts.actions.shape[1],
            room=self.confidence_tokens.longest_branch if self.confidence_tokens else 0,
        )
        logprobs, divergence = logprobs_and_divergence(
            self.policy,
            output.states,
            targets.reference[rows],
            rollouts.actions[rows],
            tokens,
            options.confidence_temperature,
        )
        surrogate = policy_loss(
            logprobs,
            targets.old_logprobs[rows],
            targets.advantages[rows],
            targets.policy_weight[rows],
            options.clip,
        )
        if rollouts.confidence_rewards is not None:
            surrogate = surrogate + self._expected_loss(rollouts.confidence_rewards, rows, output)
        baseline = value_loss(
            output.values,
            targets.old_values[rows],
            targets.returns[rows],
            targets.value_mask[rows],
            options.value_clip,
        )
        return {
            "policy_loss": surrogate,
            "penalty": (self.kl_factor * targets.kl_weight[rows] * divergence).sum(-1),
            "value_loss": baseline,
            "kl": divergence.detach().sum(-1),
        }

    def _expected_loss(
        self, confidence_rewards: ConfidenceRewards, rows: Tensor, output: PolicyOutput
    ) -> Tensor:
        """The expected reward over all confidences, negated, of the replies of a micro-batch, [m].

        Args:
            confidence_rewards: of all replies.
            rows: which replies, [m].
            output: of the policy for these.
        """
        import torch

        assert self.confidence_tokens is not None
        tokens, temperature = self.confidence_tokens, self.options.confidence_temperature
        shared, *branches = tokens.branches
        position = confidence_rewards.position[rows]
        row_numbers = torch.arange(len(rows), device=rows.device)
        first = self.policy.logprobs(output.states[row_numbers, position.clamp(min=0)])
        # The others continue the text up to the marker, [m, K].
        texts, length = output.texts, output.states.shape[1]
        columns = torch.arange(texts.mask.shape[1], device=rows.device)
        marker_end = texts.mask.shape[1] - length + position.clamp(min=0) - len(shared)
        seen = texts.mask * (columns < marker_end[:, None])

        def compute(number: int, branch: tuple[int, ...]) -> Tensor:
            if texts.cache is not None:
                logprobs = self.policy.continued_logprobs(texts, seen, branch)
            else:
                ids, mask = (part[rows] for part in confidence_rewards.beginnings)
                more = torch.tensor([branch] * len(rows), device=rows.device)
                logprobs = self.policy.next_token_logprobs(
                    torch.cat([ids, more], -1), torch.cat([mask, torch.ones_like(more)], -1)
                )
            return tokens.continuations(number, at_temperature(logprobs, temperature))

        others = hf.in_turn(compute, list(enumerate(branches, start=1)))
        return expected_reward_loss(
            tokens.combine([tokens.continuations(0, at_temperature(first, temperature)), *others]),
            confidence_rewards.rewards[rows],
            (position >= 0).float(),
            self.options.entropy,
        )

    def _reward_scale(self, rewards: Tensor) -> float:
        """Root mean square of all rewards so far; 1 if rewards are not scaled."""
        if not self.options.scale_rewards:
            return 1.0
        self.reward_count += len(rewards)
        self.reward_squares += float((rewards**2).sum())
        return max(math.sqrt(self.reward_squares / self.reward_count), 1e-3)

    def state(self) -> dict[str, float]:
        """The learner's part of a checkpoint."""
        return {
            "kl_factor": self.kl_factor,
            "seen": self.reward_count,
            "squares": self.reward_squares,
        }

    def restore(self, state: dict[str, float]) -> None:
        """Restore what `state` returned."""
        self.kl_factor = state["kl_factor"]
        self.reward_count = state["seen"]
        self.reward_squares = state["squares"]
