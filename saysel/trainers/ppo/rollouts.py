"""Replies of the current policy, judged and rewarded, as tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from saysel import hf
from saysel.hf import processes, sharding
from saysel.hf.rollout_gap import DrawnTokens
from saysel.interfaces import BatchReward, TrainingData
from saysel.records import Question
from saysel.trainers.checked_rewards import all_confidence_rewards
from saysel.trainers.judged_replies import JudgedReplies, judge_replies
from saysel.trainers.ppo.confidence_rewards import ConfidenceRewards, confidence_rewards
from saysel.trainers.ppo.policy import Policy
from saysel.trainers.ppo.segments import Segment, reply_segments, subtract_baseline

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
        stated: 1.0 at the tokens after the confidence marker of readable replies, [B, T].
        rewards: per token, [B, T]; they sum to the reward of the reply.
        ends: 1.0 at the last token that learns from a reward, [B, T]: tokens after it have another.
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
    stated: Tensor
    rewards: Tensor
    ends: Tensor
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
    prompts, replies, texts, samples = (
        [item for part in parts for item in part]
        for parts in zip(*processes.gather(own), strict=True)
    )
    # 2. Judge and reward the replies, and keep those that could be judged. One process asks the
    # judge, and from here on all of them draw the same random numbers.
    judgement = None
    if processes.rank() == 0:
        judgement = _judge(options, data, questions, replies, texts, samples)
    judged, drawn = processes.gather((judgement, generator.get_state()))[0]
    assert judged is not None
    generator.set_state(drawn)
    prompts = [prompts[row] for row in judged.rows]
    replies = [replies[row] for row in judged.rows]
    # 3. Subtract the mean reward of the other replies to the same question, part by part.
    groups = [
        None if confidence is None else questions[row].id
        for row, confidence in zip(judged.rows, judged.confidences, strict=True)
    ]
    readable = [group is not None for group in groups]
    segments = None
    if judged.segments:
        rationales = [reply.rationale for reply in judged.replies]
        segments = reply_segments(
            policy.tokenizer, prompts, replies, rationales, judged.segments, groups
        )
    # 4. Turn everything into tensors.
    rollouts = assemble(
        prompts=prompts,
        replies=replies,
        rewards=subtract_baseline(_of_whole_replies(judged), groups),
        segments=segments,
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
    choices = [*confidence_tokens.values, None]
    rewards = all_confidence_rewards("ppo", options.reward, judged.replies, choices)
    every = confidence_rewards(policy, confidence_tokens, prompts, replies, readable, rewards)
    return replace(rollouts, confidence_rewards=every)


def _sample(
    options: PPOTrainer,
    policy: Policy,
    questions: Sequence[Question],
    data: TrainingData,
    generator: torch.Generator,
) -> tuple[list[list[int]], list[hf.Reply], list[str], list[tuple[str | None, ...]]]:
    """Prompts as token ids, the reply to each, its text, and the answers of fresh samples."""
    if not questions:
        return [], [], [], []
    tokenizer = policy.tokenizer
    prompts = hf.encode(tokenizer, [data.format.prompt(question) for question in questions])
    decoding = _decoding(options, data)
    replies = policy.reply(prompts, decoding, generator)
    texts = hf.decode_replies(tokenizer, prompts, [reply.tokens for reply in replies])
    if decoding.marker:
        replies = hf.at_confidences(tokenizer, data.format, prompts, replies, texts)
    wanted = options.reward.fresh_samples() if isinstance(options.reward, BatchReward) else 0
    if not wanted:
        return prompts, replies, texts, [()] * len(replies)
    samples = _fresh_answers(options, policy, questions, prompts, wanted, data, generator)
    return prompts, replies, texts, samples


def _decoding(options: PPOTrainer, data: TrainingData) -> hf.Decoding:
    """How replies are sampled: tokens that are not trained as in the evaluation."""
    marker = data.format.confidence_marker
    if options.mask == "response" and isinstance(options.reward, BatchReward):
        # All parts of a reply are trained, and the marker tells where the confidence begins.
        return hf.Decoding(
            options.confidence_temperature, options.max_tokens, options.top_k, marker=marker
        )
    expected = options.confidences == "expected"
    return hf.Decoding(
        data.temperature,
        options.max_tokens,
        options.top_k,
        marker=marker if options.mask == "confidence" else "",
        temperature_after_marker=None if expected else options.confidence_temperature,
    )


def _fresh_answers(
    options: PPOTrainer,
    policy: Policy,
    questions: Sequence[Question],
    prompts: Sequence[list[int]],
    n: int,
    data: TrainingData,
    generator: torch.Generator,
) -> list[tuple[str | None, ...]]:
    """The answers of n more replies to each question, at the temperature of the sample stage."""
    prompt_of = {question.id: prompt for question, prompt in zip(questions, prompts, strict=True)}
    asked = [prompt for prompt in prompt_of.values() for _ in range(n)]
    decoding = hf.Decoding(data.sampler.temperature, options.max_tokens, options.top_k)
    replies = policy.reply(asked, decoding, generator)
    texts = hf.decode_replies(policy.tokenizer, asked, [reply.tokens for reply in replies])
    answers = [
        data.format.parse(text, cut=reply.cut).answer
        for text, reply in zip(texts, replies, strict=True)
    ]
    answers_of = {id: tuple(answers[n * i : n * (i + 1)]) for i, id in enumerate(prompt_of)}
    return [answers_of[question.id] for question in questions]


def _judge(
    options: PPOTrainer,
    data: TrainingData,
    questions: Sequence[Question],
    replies: Sequence[hf.Reply],
    texts: Sequence[str],
    samples: Sequence[tuple[str | None, ...]],
) -> JudgedReplies:
    return judge_replies(
        trainer="ppo",
        questions=questions,
        texts=texts,
        cut=[reply.cut for reply in replies],
        format=data.format,
        judge=data.judge,
        reward=options.reward,
        tokens=[len(reply.tokens) for reply in replies],
        samples=samples,
    )


def _of_whole_replies(judged: JudgedReplies) -> list[float]:
    """The reward from which an unreadable reply learns as a whole."""
    if judged.segments:
        return [rewards.confidence for rewards in judged.segments]
    return judged.rewards


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
    segments: Sequence[Sequence[Segment]] | None = None,
) -> Rollouts:
    """Pad the replies, and decide which tokens are trained and where the reward is given.

    A readable reply gets its reward at its last token, or each segment its own; its trained tokens
    are those after the format's confidence marker, or all of them. The reward of an unreadable
    reply is spread evenly over its trained tokens. These are all of its tokens, because any of them
    may have made it unreadable. If its answer can be parsed and the marker follows, they are those
    after the marker.
    """
    import torch

    before = max(map(len, prompts))  # L
    after = max(len(reply.tokens) for reply in replies)  # T
    shape = (len(replies), after)
    ids = torch.full((len(replies), before + after), pad)
    attention = torch.zeros(len(replies), before + after, dtype=torch.long)
    tokens, trained, stated, token_rewards, ends = (torch.zeros(shape) for _ in range(5))
    for row, (prompt, reply) in enumerate(zip(prompts, replies, strict=True)):
        size = len(reply.tokens)
        ids[row, before - len(prompt) : before + size] = torch.tensor([*prompt, *reply.tokens])
        attention[row, before - len(prompt) : before + size] = 1
        tokens[row, :size] = 1
        if readable[row]:
            start = 0 if mask == "response" else reply.marker_end
            stated[row, reply.marker_end : size] = 1
            for end, reward in segments[row] if segments else [Segment(size, rewards[row])]:
                token_rewards[row, end - 1] = reward
                ends[row, end - 1] = 1
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
        stated=stated.to(device),
        rewards=token_rewards.to(device),
        ends=ends.to(device),
    )
