"""What every confidence would have earned in the place of the one that was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from saysel.hf.confidence_tokens import ConfidenceTokens
from saysel.hf.generation import Reply, padded
from saysel.trainers.ppo.policy import Policy

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Stakes:
    """The stakes of B replies with C confidences each.

    Attributes:
        place: token position in the reply where its confidence is settled, [B]; -1 in replies
            that cannot be read, have no marker, or begin it in a way of their own.
        payoffs: reward of each confidence, and of a reply without one in the last column,
            [B, C + 1].
        branches: for each branch of the confidence tokens but the first, prompt and reply up to
            it, padded on the left, as ids and mask, [B, L].
    """

    place: Tensor
    payoffs: Tensor
    branches: list[tuple[Tensor, Tensor]]


def at_stake(
    tokens: ConfidenceTokens,
    prompts: Sequence[Sequence[int]],
    replies: Sequence[Reply],
    readable: Sequence[bool],
    payoffs: Sequence[Sequence[float]],
    policy: Policy,
) -> Stakes:
    """The stakes of replies that are marked where their confidence begins."""
    import torch

    device = policy.model.device
    lead, *branches = tokens.branches
    place = [
        reply.marked + len(lead)
        if read
        and reply.marked + len(lead) < len(reply.tokens)
        and tuple(reply.tokens[reply.marked :][: len(lead)]) == lead
        else -1
        for reply, read in zip(replies, readable, strict=True)
    ]
    begun = [
        [*prompt, *reply.tokens[: reply.marked]]
        for prompt, reply in zip(prompts, replies, strict=True)
    ]
    pad = policy.tokenizer.pad_token_id
    return Stakes(
        torch.tensor(place, device=device),
        torch.tensor(payoffs, device=device),
        [padded([[*ids, *branch] for ids in begun], pad, device) for branch in branches],
    )
