"""Replies of the current policy, judged and rewarded, as tensors."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from saysel import hf
from saysel.hf import processes, sharding
from saysel.hf.rollout_gap import DrawnTokens
from saysel.interfaces import TrainingData
from saysel.records import Question
from saysel.trainers.judged_replies import JudgedReplies, judge_replies, reward_replies
from saysel.trainers.ppo.confidence_rewards import ConfidenceRewards, confidence_rewards
from saysel.trainers.ppo.policy import Policy

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from saysel.trainers.ppo.trainer import PPOTrainer


@dataclass(frozen=True)
class Rollouts:
    """B replies: prompts padded on the left to L tokens, replies on the right to T tokens.

    Attributes:
        ids, mask: prompt and reply together, [B, L + T].
        actions: the reply's tokens, [B, T].
        tokens: 1.0 at the reply's tokens, [B, T].
        trained: 1.0 at the tokens that the reward trains, [B, T].
        readable: 1.0 for the replies whose confidence can be parsed, [B].
        rewards: per token, [B, T]; they sum to the reward of the reply.
        figures: means over the replies, to record: reward, accuracy, confidence, parse_rate.
        texts: the replies as text.
        confidence_rewards: rewards of all confidences, if training uses these instead of the
            reward of the stated one.
        drawn: how the tokens were drawn; `None` if that is unknown.
    """

    ids: Tensor
    mask: Tensor
    actions: Tensor
    tokens: Tensor
    trained: Tensor
    readable: Tensor
    rewards: Tensor
    figures: Mapping[str, float] = field(default_factory=dict)
    texts: Sequence[str] = ()
    confidence_rewards: ConfidenceRewards | None = None
    drawn: DrawnTokens | None = None


def roll_out(
    options: PPOTrainer,
    policy: Policy,
    confidence_tokens: hf.ConfidenceTokens | None,
    questions: Sequence[Question],
    data: TrainingData,
    generator: torch.Generator,
) -> Rollouts:
    """Sample, judge and reward one reply to each question, which may be repeated.

    Replies whose answer the judge cannot judge are left out of the batch.

    Args:
        confidence_tokens: `None` leaves out `confidence_rewards`.

    Raises:
        StageError: the judge could judge none of them, or the reward is invalid.
    """
    # 1. Sample one reply to each question; each process samples its share of them.
    with sharding.gathered(policy.model):
        own = _sample(options, policy, processes.part(questions), data, generator)
    prompts, replies, texts = (
        [item for part in parts for item in part]
        for parts in zip(*processes.gather(own), strict=True)
    )
    # 2. Judge and reward the replies, and keep those that could be judged. One process asks the
    # judge, and from here on all of them draw the same random numbers.
    judgement = _judge(options, data, questions, replies, texts) if processes.rank() == 0 else None
    judged, drawn = processes.gather((judgement, generator.get_state()))[0]
    assert judged is not None
    generator.set_state(drawn)
    prompts = [prompts[row] for row in judged.rows]
    replies = [replies[row] for row in judged.rows]
    # 3. Subtract the mean reward of the other replies to the same question.
    groups = [
        None if confidence is None else questions[row].id
        for row, confidence in zip(judged.rows, judged.confidences, strict=True)
    ]
    readable = [group is not None for group in groups]
    # 4. Turn everything into tensors.
    rollouts = assemble(
        prompts=prompts,
        replies=replies,
        rewards=subtract_baseline(judged.rewards, groups),
        readable=readable,
        has_answer=judged.has_answer,
        mask=options.mask,
        pad=policy.tokenizer.pad_token_id,
        device=policy.model.device,
    )
    rollouts = replace(
        rollouts,
        figures=judged.figures(),
        texts=judged.texts,
        drawn=DrawnTokens.of(replies, policy.model.device),
    )
    if confidence_tokens is None:
        return rollouts
    rewards = _reward_all_confidences(options, confidence_tokens, judged)
    every = confidence_rewards(policy, confidence_tokens, prompts, replies, readable, rewards)
    return replace(rollouts, confidence_rewards=every)


def _sample(
    options: PPOTrainer,
    policy: Policy,
    questions: Sequence[Question],
    data: TrainingData,
    generator: torch.Generator,
) -> tuple[list[list[int]], list[hf.Reply], list[str]]:
    """Prompts as token ids, the reply to each, and its text."""
    if not questions:
        return [], [], []
    tokenizer = policy.tokenizer
    prompts = hf.encode(tokenizer, [data.format.prompt(question) for question in questions])
    decoding = options.decoding(data.format, data.temperature)
    replies = policy.reply(prompts, decoding, generator)
    texts = hf.decode_replies(tokenizer, prompts, [reply.tokens for reply in replies])
    return prompts, replies, texts


def _judge(
    options: PPOTrainer,
    data: TrainingData,
    questions: Sequence[Question],
    replies: Sequence[hf.Reply],
    texts: Sequence[str],
) -> JudgedReplies:
    return judge_replies(
        trainer="ppo",
        questions=questions,
        texts=texts,
        cut=[reply.cut for reply in replies],
        format=data.format,
        judge=data.judge,
        reward=options.reward,
    )


def _reward_all_confidences(
    options: PPOTrainer, tokens: hf.ConfidenceTokens, judged: JudgedReplies
) -> list[list[float]]:
    """For each reply, the reward of every confidence and, in the end, of an unreadable one."""
    choices = [*tokens.values, None]
    n = len(choices)
    return [
        reward_replies("ppo", options.reward, [correctness] * n, choices, [text] * n)
        for correctness, text in zip(judged.correct, judged.texts, strict=True)
    ]


def subtract_baseline(rewards: Sequence[float], groups: Sequence[str | None]) -> list[float]:
    """Each reward minus the mean of the others in its group.

    This is the leave-one-out baseline of RLOO (arXiv 2402.14740). Replies to one question mostly
    have the same answer, so what remains is the effect of their confidences. The value head
    cannot remove this noise, because it depends on whether the answer is right.

    Args:
        groups: the question of each reply; `None` for unreadable replies, whose rewards do not
            change and are no part of a baseline. A reward alone in its group does not change.
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
    *,
    prompts: Sequence[Sequence[int]],
    replies: Sequence[hf.Reply],
    rewards: Sequence[float],
    readable: Sequence[bool],
    has_answer: Sequence[bool],
    mask: Literal["confidence", "response"],
    pad: int,
    device: torch.device,
) -> Rollouts:
    """Pad the replies, and decide which tokens are trained and where the reward is given.

    A readable reply gets its reward at its last token; its trained tokens are those after the
    format's confidence marker, or all of them. The reward of an unreadable reply is spread evenly
    over its trained tokens. These are all of its tokens, because any of them may have made it
    unreadable. If its answer can be parsed and the marker follows, they are those after the marker.
    """
    import torch

    before = max(map(len, prompts))  # L
    after = max(len(reply.tokens) for reply in replies)  # T
    shape = (len(replies), after)
    ids = torch.full((len(replies), before + after), pad)
    attention = torch.zeros(len(replies), before + after, dtype=torch.long)
    tokens, trained, token_rewards = torch.zeros(shape), torch.zeros(shape), torch.zeros(shape)
    for row, (prompt, reply) in enumerate(zip(prompts, replies, strict=True)):
        size = len(reply.tokens)
        ids[row, before - len(prompt) : before + size] = torch.tensor([*prompt, *reply.tokens])
        attention[row, before - len(prompt) : before + size] = 1
        tokens[row, :size] = 1
        if readable[row]:
            start = 0 if mask == "response" else reply.marker_end
            token_rewards[row, size - 1] = rewards[row]
        else:
            start = reply.marker_end if has_answer[row] and reply.marker_end < size else 0
            token_rewards[row, start:size] = rewards[row] / (size - start)
        trained[row, start:size] = 1
    return Rollouts(
        ids=ids.to(device),
        mask=attention.to(device),
        actions=ids[:, before:].to(device),
        tokens=tokens.to(device),
        trained=trained.to(device),
        readable=torch.tensor(readable, dtype=torch.float32, device=device),
        rewards=token_rewards.to(device),
    )
