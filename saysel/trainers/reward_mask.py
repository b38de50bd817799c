"""Rewards that cannot change the tokens that are trained."""

from __future__ import annotations

from saysel.interfaces import BatchReward, RewardFn


def check_mask(reward: RewardFn, mask: str) -> None:
    """Raise if only the confidence is trained, and the reward does not depend on it.

    Raises:
        ValueError: says what to set instead.
    """
    if mask == "confidence" and isinstance(reward, BatchReward) and not reward.rewards_confidence:
        raise ValueError(
            f"the reward '{reward.use}' does not depend on the confidence, and mask: confidence "
            "trains nothing else: set mask: response; a reward of rationales can also be the "
            "option `rationale` of split"
        )
