"""Replies of the current policy, judged and rewarded, as tensors."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from saysel import hf
from saysel.hf.confidence_tokens import ConfidenceTokens
from saysel.hf.generation import Decoding, Reply, generate
from saysel.interfaces import Format, Judge, RewardFn
from saysel.records import Question
from saysel.trainers.judged_replies import earned, reward_replies
from saysel.trainers.ppo.confidence_rewards import Stakes, at_stake
from saysel.trainers.ppo.policy import Policy

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Movable = Literal["confidence", "response"]


@dataclass(frozen=True)
class Rollouts:
    """B replies: prompts padded on the left to L, replies on the right to T.

    Attributes:
        ids, mask: prompt and reply together, [B, L + T].
        actions: the reply's tokens, [B, T].
        tokens: 1.0 at the reply's tokens, [B, T].
        movable: 1.0 at the tokens that the reward may move, [B, T].
        readable: 1.0 for the replies whose confidence can be read, [B].
        rewards: per token, [B, T]; a reply's sum is its reward.
        figures: means over the replies, for the record: reward, accuracy, confidence, parse_rate.
        texts: the replies as text.
        stakes: of all confidences, where the reward of the one written is not learned from.
    """

    ids: Tensor
    mask: Tensor
    actions: Tensor
    tokens: Tensor
    movable: Tensor
    readable: Tensor
    rewards: Tensor
    figures: dict[str, float]
    texts: Sequence[str] = ()
    stakes: Stakes | None = None


def roll_out(
    policy: Policy,
    questions: Sequence[Question],
    format: Format,
    judge: Judge,
    reward: RewardFn,
    movable: Movable,
    decoding: Decoding,
    generator: torch.Generator,
    confidence_tokens: ConfidenceTokens | None = None,
) -> Rollouts:
    """One reply to each question, with its reward; a question may be there several times.

    Replies whose answer the judge cannot judge are left out of the batch. With confidence tokens,
    what could have been stated is rewarded beside what was.

    Raises:
        StageError: it could judge none of them.
    """
    tokenizer = policy.tokenizer
    prompts = hf.encode(tokenizer, [format.prompt(question) for question in questions])
    ends = hf.end_tokens(policy.model, tokenizer)
    replies = [
        reply
        for (reply,) in generate(policy.model, tokenizer, prompts, 1, decoding, generator, ends)
    ]
    texts = hf.decode_replies(tokenizer, prompts, [reply.tokens for reply in replies])
    cut = [reply.cut for reply in replies]
    found = earned("ppo", questions, texts, cut, format, judge, reward)
    prompts = [prompts[row] for row in found.rows]
    replies = [replies[row] for row in found.rows]
    readable = [confidence is not None for confidence in found.stated]
    groups = [
        questions[row].id if read else None for row, read in zip(found.rows, readable, strict=True)
    ]
    rollouts = assemble(
        prompts,
        replies,
        centred(found.rewards, groups),
        readable,
        movable,
        tokenizer.pad_token_id,
        policy.model.device,
        found.figures(),
        found.answered,
    )
    rollouts = replace(rollouts, texts=found.texts)
    if confidence_tokens is None:
        return rollouts
    choices = [*confidence_tokens.values, None]
    payoffs = [
        reward_replies("ppo", reward, [correctness] * len(choices), choices, [text] * len(choices))
        for correctness, text in zip(found.correct, found.texts, strict=True)
    ]
    return replace(
        rollouts, stakes=at_stake(confidence_tokens, prompts, replies, readable, payoffs, policy)
    )


def centred(rewards: Sequence[float], groups: Sequence[str | None]) -> list[float]:
    """Each reward minus the mean of the others in its group.

    The leave-one-out baseline of RLOO (arXiv 2402.14740): replies to one question mostly share
    their answer, so what remains is what their confidences earned. The value head cannot remove
    that noise, because it depends on whether the answer is right.

    Args:
        groups: of each reply, its question; `None` for unreadable replies, whose rewards stay
            as they are and are no part of a baseline. So does a reward alone in its group.
    """
    totals: dict[str | None, float] = defaultdict(float)
    for reward, group in zip(rewards, groups, strict=True):
        totals[group] += reward
    sizes = Counter(groups)
    return [
        reward - (totals[group] - reward) / (sizes[group] - 1)
        if group is not None and sizes[group] > 1
        else reward
        for reward, group in zip(rewards, groups, strict=True)
    ]


def assemble(
    prompts: Sequence[Sequence[int]],
    replies: Sequence[Reply],
    rewards: Sequence[float],
    readable: Sequence[bool],
    movable: Movable,
    pad: int,
    device: torch.device,
    figures: dict[str, float],
    answered: Sequence[bool] = (),
) -> Rollouts:
    """Pad, mask and place the rewards.

    A readable reply gets its reward at its last token; the tokens after the format's confidence
    marker (or all of them) move. The reward of an unreadable reply is spread evenly over all of
    its tokens, which all move: any of them may be the one that broke it. Where its answer can be
    read and the marker follows, only the tokens after the marker can be.

    Args:
        answered: whether the answer of each reply can be read; empty: unknown.
    """
    import torch

    before = max(map(len, prompts))
    after = max(len(reply.tokens) for reply in replies)
    shape = (len(replies), after)
    ids = torch.full((len(replies), before + after), pad)
    mask = torch.zeros(len(replies), before + after, dtype=torch.long)
    tokens, moves, paid = torch.zeros(shape), torch.zeros(shape), torch.zeros(shape)
    for row, (prompt, reply) in enumerate(zip(prompts, replies, strict=True)):
        size = len(reply.tokens)
        line = torch.tensor([*prompt, *reply.tokens])
        ids[row, before - len(prompt) : before + size] = line
        mask[row, before - len(prompt) : before + size] = 1
        tokens[row, :size] = 1
        if not readable[row]:
            # Behind a marker that follows a readable answer, only the rest can be at fault.
            start = reply.marked if answered and answered[row] and reply.marked < size else 0
            moves[row, start:size] = 1
            paid[row, start:size] = rewards[row] / (size - start)
        else:
            start = 0 if movable == "response" else reply.marked
            moves[row, start:size] = 1
            paid[row, size - 1] = rewards[row]
    return Rollouts(
        ids.to(device),
        mask.to(device),
        ids[:, before:].to(device),
        tokens.to(device),
        moves.to(device),
        torch.tensor(readable, dtype=torch.float32, device=device),
        paid.to(device),
        figures,
    )
