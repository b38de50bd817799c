"""The replies of a step of GRPO: sampled, judged, and weighted by their advantages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any, Literal

from saysel import hf
from saysel.hf import processes
from saysel.hf.grpo import WeightedReply
from saysel.hf.vllm_replies import VLLMReplies
from saysel.interfaces import BatchReward, TrainingData
from saysel.records import Question
from saysel.trainers.judged_replies import JudgedReplies, UnreadableBatches, judge_replies

if TYPE_CHECKING:
    import torch

    from saysel.trainers.grpo import GRPOTrainer

#: Replies that are sampled side by side.
REPLIES_PER_PASS = 256


@dataclass
class GroupRollouts:
    """Samples, judges and weights the replies of a step; see `saysel.hf.grpo.RollOut`.

    Attributes:
        engine: samples the replies; `None`: the model itself.
        figures: means over the replies of the last step: reward, accuracy, confidence, parse_rate.
    """

    options: GRPOTrainer
    data: TrainingData
    tokenizer: Any
    questions: Sequence[Question]
    engine: VLLMReplies | None = None
    figures: dict[str, float] = field(default_factory=dict)
    unreadable: UnreadableBatches = field(default_factory=lambda: UnreadableBatches("grpo"))

    def __call__(self, lm: Any, step: int, rows: Sequence[int]) -> list[WeightedReply]:
        questions = [self.questions[row] for row in rows]
        prompts = hf.encode(self.tokenizer, [self.data.format.prompt(q) for q in questions])
        # 1. Sample a group of replies to each question.
        replies, samples = self._sample(lm, step, prompts)
        # 2. Judge and reward them.
        rewards, marker_ends = self._reward(questions, prompts, replies, samples)
        # 3. Weight each by its advantage over its group.
        size = self.options.replies
        weights = advantages(rewards, size, self.options.scale_rewards)
        return [
            WeightedReply(
                prompts[row // size] + reply.tokens[:start],
                reply.tokens[start:],
                weights[row],
                reply.token_logprobs[start:],
            )
            for row, (reply, start) in enumerate(zip(replies, marker_ends, strict=True))
        ]

    def _sample(
        self, lm: Any, step: int, prompts: Sequence[list[int]]
    ) -> tuple[list[hf.Reply], list[tuple[str | None, ...]]]:
        """The replies to all prompts (token ids), group after group.

        Returns:
            The replies, and the answers of the fresh samples for each group.
        """
        import torch

        options, format = self.options, self.data.format
        # The generator depends only on the step, so a resumed run samples the same replies.
        generator = torch.Generator(lm.device).manual_seed(
            processes.own_seed(self.data.seed * 1_000_003 + step)
        )
        decoding = hf.Decoding(options.temperature, options.max_tokens)
        groups = self._generate(lm, prompts, options.replies, decoding, generator)
        replies = [reply for group in groups for reply in group]
        wanted = options.reward.fresh_samples() if isinstance(options.reward, BatchReward) else 0
        if not wanted:
            return replies, [()] * len(prompts)
        decoding = hf.Decoding(self.data.sampler.temperature, options.max_tokens)
        answers = []
        for prompt, group in zip(
            prompts, self._generate(lm, prompts, wanted, decoding, generator), strict=True
        ):
            tokens = [reply.tokens for reply in group]
            texts = hf.decode_replies(self.tokenizer, [prompt] * len(group), tokens)
            parsed = [
                format.parse(text, cut=reply.cut) for text, reply in zip(texts, group, strict=True)
            ]
            answers.append(tuple(part.answer for part in parsed))
        return replies, answers

    def _generate(
        self,
        lm: Any,
        prompts: Sequence[list[int]],
        n: int,
        decoding: hf.Decoding,
        generator: torch.Generator,
    ) -> list[list[hf.Reply]]:
        """n replies to each prompt (token ids)."""
        ends = hf.end_tokens(lm, self.tokenizer)
        if self.engine is not None:
            return self.engine.generate(lm, prompts, n, decoding, generator, ends)
        prompts_per_pass = max(1, REPLIES_PER_PASS // n)
        groups: list[list[hf.Reply]] = []
        for start in range(0, len(prompts), prompts_per_pass):
            part = prompts[start : start + prompts_per_pass]
            groups += hf.generate(lm, self.tokenizer, part, n, decoding, generator, ends)
        return groups

    def _reward(
        self,
        questions: Sequence[Question],
        prompts: Sequence[list[int]],
        replies: Sequence[hf.Reply],
        samples: Sequence[tuple[str | None, ...]],
    ) -> tuple[list[float | None], list[int]]:
        """The reward of each reply (`None`: not judged), and the token where training starts."""
        size = self.options.replies
        prompt_of = [prompt for prompt in prompts for _ in range(size)]
        texts = hf.decode_replies(self.tokenizer, prompt_of, [reply.tokens for reply in replies])
        judged = judge_replies(
            trainer="grpo",
            questions=[question for question in questions for _ in range(size)],
            texts=texts,
            cut=[reply.cut for reply in replies],
            format=self.data.format,
            judge=self.data.judge,
            reward=self.options.reward,
            tokens=[len(reply.tokens) for reply in replies],
            samples=[answers for answers in samples for _ in range(size)],
        )
        of_all = JudgedReplies.joined(processes.gather(judged))
        self.figures = of_all.figures()
        self.unreadable.check(self.figures["parse_rate"], of_all.texts)
        rewards: list[float | None] = [None] * len(replies)
        starts = [0] * len(replies)
        if self.options.mask == "confidence":
            format = self.data.format
            found = hf.at_confidences(self.tokenizer, format, prompt_of, replies, texts)
            starts = [reply.marker_end for reply in found]
        for row, confidence, reward in zip(
            judged.rows, judged.confidences, self._of_trained_tokens(judged), strict=True
        ):
            rewards[row] = reward
            if confidence is None:
                starts[row] = 0  # any token may have made the reply unreadable
        return rewards, starts

    def _of_trained_tokens(self, judged: JudgedReplies) -> list[float]:
        """The reward of each reply for the tokens that are trained."""
        if not judged.segments:
            return judged.rewards
        # Without a confidence, that of the confidence is the reward of the whole reply.
        return [
            total
            if self.options.mask == "response" and confidence is not None
            else parts.confidence
            for total, confidence, parts in zip(
                judged.rewards, judged.confidences, judged.segments, strict=True
            )
        ]


def advantages(
    rewards: Sequence[float | None], size: int, scale: Literal["group", "none"]
) -> list[float]:
    """Each reward minus the mean of its group.

    A reward of `None` is left out of mean and deviation, and its advantage is 0. The advantages
    of equal rewards are 0 too.

    Args:
        rewards: group after group.
        size: replies per group.
        scale: `group` divides by the standard deviation of the group's rewards.
    """
    values = []
    for start in range(0, len(rewards), size):
        group = rewards[start : start + size]
        known = [reward for reward in group if reward is not None]
        mean = fmean(known) if known else 0.0
        deviation = pstdev(known) if known and scale == "group" else 1.0
        values += [
            (reward - mean) / (deviation + 1e-4 * (scale == "group")) if reward is not None else 0.0
            for reward in group
        ]
    return values
