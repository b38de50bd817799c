"""From rollouts to updates of the policy."""

from __future__ import annotations

import math
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from saysel.hf.confidence_tokens import ConfidenceTokens
from saysel.hf.update_guard import UpdateGuard
from saysel.trainers.ppo.confidence_rewards import Stakes
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

if TYPE_CHECKING:
    import torch

    from saysel.trainers.ppo import PPOTrainer

#: Replies in a forward pass without gradients.
PASS = 64


class Fixed(NamedTuple):
    """What stays the same over all updates on a batch of B replies with T tokens.

    Attributes:
        values, logprobs: of the sampled tokens before the first update, [B, T].
        reference: log-probabilities of the reference policy, [B, T, V].
        advantages, returns: see `policy_advantages` and `gae`, [B, T].
        sampled: 1.0 at the tokens with a policy loss, [B, T].
        valued: 1.0 at the tokens with a value loss, [B, T].
        kl_weight: of the KL divergence at each token, [B, T].
    """

    values: torch.Tensor
    logprobs: torch.Tensor
    reference: torch.Tensor
    advantages: torch.Tensor
    returns: torch.Tensor
    sampled: torch.Tensor
    valued: torch.Tensor
    kl_weight: torch.Tensor


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
        self.guard = UpdateGuard("ppo")
        self.kl_factor = 1.0
        self.seen = 0.0
        self.squares = 0.0

    def learn(self, rollouts: Rollouts, generator: torch.Generator) -> dict[str, float]:
        """Update on one batch.

        Returns:
            Means over the updates of KL per reply and of the losses; the KL factor; the sums of
            absolute advantages over all tokens of readable and of unreadable replies; how many
            updates were skipped because they were not finite, if any were.

        Raises:
            StageError: several updates in a row were not finite.
        """
        import torch

        fixed = self._fixed(rollouts)
        applied: list[dict[str, float]] = []
        skipped = self.guard.skipped
        for _ in range(self.options.epochs):
            order = torch.randperm(
                len(rollouts.ids), generator=generator, device=rollouts.ids.device
            )
            for rows in torch.split(order, self.options.mini_batch_size):
                loss, figures = self._loss(rollouts, fixed, rows)
                self.optimizer.zero_grad(set_to_none=True)
                torch.autograd.backward(loss)
                norm = torch.nn.utils.clip_grad_norm_(self.policy.parameters(), 1.0)
                if self.guard.allows(loss=float(loss.detach()), gradient_norm=float(norm)):
                    applied.append(figures)
                else:
                    self.optimizer.zero_grad(set_to_none=True)  # nothing to apply
                self.optimizer.step()
        means = {
            name: fmean(figures[name] for figures in applied)
            for name in (applied[0] if applied else ())
        }
        if self.options.kl_target is not None and applied:
            self.kl_factor = adapted(self.kl_factor, means["kl"], self.options.kl_target)
        sizes = fixed.advantages.abs().sum(-1)
        means |= {
            "kl_factor": self.kl_factor,
            "advantage_readable": float((sizes * rollouts.readable).sum()),
            "advantage_unreadable": float((sizes * (1 - rollouts.readable)).sum()),
        }
        if self.guard.skipped > skipped:
            means["skipped_updates"] = float(self.guard.skipped - skipped)
        return means

    def _loss(
        self, rollouts: Rollouts, fixed: Fixed, rows: torch.Tensor
    ) -> tuple[torch.Tensor, dict[str, float]]:
        """The loss of some replies, [b] of them, and its parts for the record."""
        options, length = self.options, rollouts.actions.shape[1]
        now = self.policy.look(rollouts.ids[rows], rollouts.mask[rows], length)
        divergence = kl(now.logprobs, fixed.reference[rows])
        surrogate = policy_loss(
            self._of_chosen(now.logprobs, rollouts.actions[rows]),
            fixed.logprobs[rows],
            fixed.advantages[rows],
            fixed.sampled[rows],
            options.clip,
        )
        if rollouts.stakes is not None:
            surrogate = surrogate + self._summed(rollouts.stakes, rows, now.logprobs)
        baseline = value_loss(
            now.values,
            fixed.values[rows],
            fixed.returns[rows],
            fixed.valued[rows],
            options.value_clip,
        )
        penalty = (self.kl_factor * fixed.kl_weight[rows] * divergence).sum(-1).mean()
        spent = (divergence.detach() * rollouts.tokens[rows]).sum(-1).mean()
        figures = {
            "kl": float(spent),
            "policy_loss": float(surrogate.detach()),
            "value_loss": float(baseline.detach()),
        }
        return surrogate + penalty + baseline, figures

    def _fixed(self, rollouts: Rollouts) -> Fixed:
        """What stays the same over all updates on a batch."""
        import torch

        options = self.options
        values, logprobs, reference = self._before(rollouts, rollouts.actions.shape[1])
        rewards = rollouts.rewards / self._deviation(rollouts.rewards.sum(-1))
        estimates, returns = gae(rewards, values, rollouts.tokens, options.gamma, options.lam)
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
        # Tokens that the reward may not move are held harder, and so are all of an unreadable
        # reply: pushed away from what it said and held by nothing, the policy does not recover.
        free = rollouts.movable * rollouts.readable[:, None]
        weight = torch.where(free > 0, options.kl_movable, options.kl) * rollouts.tokens
        return Fixed(values, logprobs, reference, advantages, returns, sampled, valued, weight)

    def _before(self, rollouts: Rollouts, length: int) -> tuple[torch.Tensor, ...]:
        """Values and log-probabilities before the first update.

        Returns:
            Values and log-probabilities of the sampled tokens, [B, T], and the reference's
            log-probabilities of the whole vocabulary, [B, T, V]: by far the largest, and the only
            tensor of its size that is kept.
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
