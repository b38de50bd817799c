"""From rollouts to updates of the policy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from saysel.confidence_tokens import ConfidenceTokens
from saysel.trainers.ppo.losses import (
    adapted,
    gae,
    kl,
    policy_advantages,
    policy_loss,
    summed_loss,
    value_loss,
)
from saysel.trainers.ppo.policy import Policy
from saysel.trainers.ppo.rollouts import Rollouts
from saysel.trainers.ppo.stakes import Stakes

if TYPE_CHECKING:
    import torch

    from saysel.trainers.ppo import PPOTrainer

#: Replies in a forward pass without gradients.
PASS = 64


class Learner:
    """Turns rollouts into updates, and keeps what carries over from batch to batch."""

    def __init__(
        self,
        options: PPOTrainer,
        policy: Policy,
        optimizer: torch.optim.Optimizer,
        confidence_tokens: ConfidenceTokens | None = None,
    ) -> None:
        self.options = options
        self.policy = policy
        self.optimizer = optimizer
        self.confidence_tokens = confidence_tokens
        self.kl_factor = 1.0
        self.seen = 0.0
        self.squares = 0.0

    def learn(self, rollouts: Rollouts, generator: torch.Generator) -> dict[str, float]:
        """Update on one batch.

        Returns:
            Means over the updates of KL per reply and of the losses; the KL factor; the sums of
            absolute advantages over all tokens of readable and of unreadable replies.
        """
        import torch

        options, policy = self.options, self.policy
        length = rollouts.actions.shape[1]
        old_values, old_logprobs, reference = self._before(rollouts, length)

        rewards = rollouts.rewards / self._deviation(rollouts.rewards.sum(-1))
        estimates, returns = gae(rewards, old_values, rollouts.tokens, options.gamma, options.lam)
        sampled = rollouts.movable
        if rollouts.stakes is not None:
            # The sampled tokens are learned from only where no confidence can be read.
            sampled = sampled * (rollouts.stakes.place < 0)[:, None]
        advantages = policy_advantages(
            estimates,
            rewards,
            sampled,
            rollouts.readable,
            normalise=options.whiten and rollouts.stakes is None,
        )
        # The value is the baseline of readable replies, so it is fitted to these alone.
        valued = rollouts.tokens * rollouts.readable[:, None]
        # What the reward may not move is held harder, and so is all of a reply that cannot be
        # read: pushed away from what it said and held by nothing, the policy runs away for good.
        free = rollouts.movable * rollouts.readable[:, None]
        weight = torch.where(free > 0, options.kl_movable, options.kl) * rollouts.tokens

        totals = dict.fromkeys(("kl", "policy_loss", "value_loss"), 0.0)
        updates = 0
        for _ in range(options.epochs):
            order = torch.randperm(
                len(rollouts.ids), generator=generator, device=rollouts.ids.device
            )
            for rows in torch.split(order, options.mini_batch_size):
                now = policy.look(rollouts.ids[rows], rollouts.mask[rows], length)
                chosen = self._of_chosen(now.logprobs, rollouts.actions[rows])
                divergence = kl(now.logprobs, reference[rows])
                surrogate = policy_loss(
                    chosen,
                    old_logprobs[rows],
                    advantages[rows],
                    sampled[rows],
                    options.clip,
                )
                baseline = value_loss(
                    now.values,
                    old_values[rows],
                    returns[rows],
                    valued[rows],
                    options.value_clip,
                )
                penalty = (self.kl_factor * weight[rows] * divergence).sum(-1).mean()
                if rollouts.stakes is not None:
                    surrogate = surrogate + self._summed(rollouts.stakes, rows, now.logprobs)
                self.optimizer.zero_grad(set_to_none=True)
                torch.autograd.backward(surrogate + penalty + baseline)
                torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
                self.optimizer.step()
                spent = (divergence.detach() * rollouts.tokens[rows]).sum(-1).mean()
                totals["kl"] += float(spent)
                totals["policy_loss"] += float(surrogate.detach())
                totals["value_loss"] += float(baseline.detach())
                updates += 1
        means = {name: total / updates for name, total in totals.items()}
        if options.kl_target is not None:
            self.kl_factor = adapted(self.kl_factor, means["kl"], options.kl_target)
        sizes = advantages.abs().sum(-1)
        return {
            **means,
            "kl_factor": self.kl_factor,
            "advantage_readable": float((sizes * rollouts.readable).sum()),
            "advantage_unreadable": float((sizes * (1 - rollouts.readable)).sum()),
        }

    def _before(self, rollouts: Rollouts, length: int) -> tuple[torch.Tensor, ...]:
        """What is so before the update.

        Returns:
            Values and log-probabilities of what was drawn, [B, T], and those of the reference for
            every token of the vocabulary, [B, T, V]: by far the largest, and the only one of its
            size that is kept.
        """
        import torch

        values, chosen, reference = [], [], []
        with torch.no_grad():
            for ids, mask, actions in zip(
                *(torch.split(of, PASS) for of in (rollouts.ids, rollouts.mask, rollouts.actions)),
                strict=True,
            ):
                outlook = self.policy.look(ids, mask, length)
                values.append(outlook.values)
                chosen.append(self._of_chosen(outlook.logprobs, actions))
                del outlook
                reference.append(self.policy.reference(ids, mask, length))
        whole = reference[0] if len(reference) == 1 else torch.cat(reference)
        return torch.cat(values), torch.cat(chosen), whole

    def _summed(self, stakes: Stakes, rows: torch.Tensor, logprobs: torch.Tensor) -> torch.Tensor:
        """The loss over all confidences in the readable ones of some replies.

        Args:
            stakes: of all replies.
            rows: which replies, [b].
            logprobs: at every token of theirs, [b, T, V].
        """
        import torch

        assert self.confidence_tokens is not None
        place = stakes.place[rows]
        root = logprobs[torch.arange(len(rows), device=rows.device), place.clamp(min=0)]
        behind = [self.policy.following(ids[rows], mask[rows]) for ids, mask in stakes.branches]
        following = [self._tempered(branch) for branch in (root, *behind)]
        return summed_loss(
            self.confidence_tokens.logprobs(following),
            stakes.payoffs[rows],
            (place >= 0).float(),
            self.options.entropy,
        )

    def _of_chosen(self, logprobs: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Log-probabilities of the tokens drawn, at the temperature they were drawn at, [B, T]."""
        return self._tempered(logprobs).gather(-1, actions[..., None]).squeeze(-1)

    def _tempered(self, logprobs: torch.Tensor) -> torch.Tensor:
        """Log-probabilities at the temperature of exploring."""
        if self.options.explore == 1:
            return logprobs
        return (logprobs / self.options.explore).log_softmax(-1)

    def state(self) -> dict[str, float]:
        """What a checkpoint needs besides policy and optimizer."""
        return {"kl_factor": self.kl_factor, "seen": self.seen, "squares": self.squares}

    def restore(self, state: dict[str, float]) -> None:
        """Take over what `state` gave."""
        self.kl_factor = state["kl_factor"]
        self.seen = state["seen"]
        self.squares = state["squares"]

    def _deviation(self, rewards: torch.Tensor) -> float:
        """Root mean square of all rewards so far, or 1 where rewards are not scaled."""
        if not self.options.scale_rewards:
            return 1.0
        self.seen += len(rewards)
        self.squares += float((rewards**2).sum())
        return max(math.sqrt(self.squares / self.seen), 1e-3)
