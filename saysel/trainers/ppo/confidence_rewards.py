"""The reward of every confidence that a reply could have stated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from saysel import hf
from saysel.trainers.ppo.policy import Policy

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ConfidenceRewards:
    """The rewards of all C confidences in place of the stated one, for B replies.

    Attributes:
        position: position in the reply of the token that decides the confidence, [B]; -1 in
            replies that are unreadable, have no marker, or write the confidence in another way.
        rewards: reward of each confidence, and of an unreadable one in the last column, [B, C + 1].
        beginnings: prompt and reply up to the marker, padded on the left, as ids and mask, [B, L].
    """

    position: Tensor
    rewards: Tensor
    beginnings: tuple[Tensor, Tensor]


def confidence_rewards(
    policy: Policy,
    tokens: hf.ConfidenceTokens,
    prompts: Sequence[Sequence[int]],
    replies: Sequence[hf.Reply],
    readable: Sequence[bool],
    rewards: Sequence[Sequence[float]],
) -> ConfidenceRewards:
    """The `ConfidenceRewards` of replies whose confidence starts at their `marker_end`.

    Args:
        prompts: token ids.
        readable: whether the confidence of each reply can be parsed.
        rewards: see `ConfidenceRewards`.
    """
    import torch

    device = policy.model.device
    shared = tokens.branches[0]
    positions = []
    for reply, is_readable in zip(replies, readable, strict=True):
        position = reply.marker_end + len(shared)
        follows = tuple(reply.tokens[reply.marker_end : position]) == shared
        inside = position < len(reply.tokens)
        positions.append(position if is_readable and inside and follows else -1)
    beginnings = [
        [*prompt, *reply.tokens[: reply.marker_end]]
        for prompt, reply in zip(prompts, replies, strict=True)
    ]
    pad = policy.tokenizer.pad_token_id
    return ConfidenceRewards(
        torch.tensor(positions, device=device),
        torch.tensor(rewards, device=device),
        hf.pad_left(beginnings, pad, device),
    )
