"""Group relative policy optimization with any reward (GRPO, arXiv 2402.03300).

Each step samples `replies` replies to each of `batch_size / replies` questions and rewards them
from correctness and stated confidence. A reply's advantage is the difference between its reward
and the mean of its group. The loss, the optimizer and the checkpoints are TRL's; the defaults are
those of RLCR (arXiv 2507.16806), which trains calibration with GRPO, except as noted here.

- An unreadable reply gets the reward's value for it, and all of its tokens are trained.
- A reply that the judge cannot judge has no reward: it is left out of its group's mean, its
  advantage is 0, and the policy does not learn from it. The same holds for the only reply of a
  group with a reward.
- Each batch gets one update, so all probability ratios are 1 and nothing is clipped.
- The KL term is that of GRPO's paper (equation 4), whichever form the installed TRL prefers.
- Deviation: GRPO divides advantages by the standard deviation of the group's rewards; here they
  are undivided by default (as in arXiv 2503.20783). Replies to one question mostly have the same
  answer. The rewards of a group of right replies spread less the higher their confidences, those
  of a group of wrong replies spread more. After the division, both groups push equally hard at
  any confidence, and the confidence on similar questions drifts to 0 or 1 instead of to their
  accuracy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any, ClassVar, Literal, cast

from pydantic import Field, model_validator
from typing_extensions import Self

from saysel import hf
from saysel.hf import processes
from saysel.hf.grpo import WeightedReply, grpo_config, grpo_trainer
from saysel.interfaces import NotFingerprinted, RewardFn, Trainer, TrainingData
from saysel.records import ModelRef, Question
from saysel.trainers.batches import question_batch
from saysel.trainers.judged_replies import JudgedReplies, UnreadableBatches, judge_replies
from saysel.trainers.lora import Lora, learning_rate, new_adapter

#: Replies that are sampled side by side.
REPLIES_PER_PASS = 256
#: Default learning rate of an adapter; RLCR's rate of 1e-6 is for all weights.
ADAPTER_LEARNING_RATE = 1e-5


class GRPOTrainer(Trainer):
    """Reinforce replies with a higher reward than others to the same question, with TRL's GRPO."""

    version: ClassVar[int] = 3
    uses_eval_temperature: ClassVar[bool] = False  # it has its own
    in_every_process: ClassVar[bool] = True

    reward: RewardFn = Field(
        cast(Any, "quadratic"), validate_default=True, description="reward of a reply"
    )
    mask: Literal["confidence", "response"] = Field(
        "confidence", description="tokens that the reward trains"
    )
    steps: int = Field(200, ge=1, description="number of batches, with one update each")
    batch_size: int = Field(256, ge=2, description="replies per batch, a multiple of `replies`")
    micro_batch_size: NotFingerprinted[int] = Field(
        32, ge=1, description="replies per forward pass; gradients are accumulated"
    )
    replies: int = Field(
        32, ge=2, description="replies to each question of a batch, which form a group"
    )
    temperature: float = Field(0.7, gt=0, description="temperature of the replies")
    learning_rate: float | None = Field(
        None,
        gt=0,
        description="initial rate of AdamW, with linear decay; null: 1e-5 for an adapter, 1e-6 "
        "for all weights",
    )
    beta: float = Field(
        0.0,
        ge=0,
        description="weight of the KL divergence from the initial policy, on trained tokens",
    )
    scale_rewards: Literal["group", "none"] = Field(
        "none", description="group: divide advantages by the deviation of their group's rewards"
    )
    max_tokens: int = Field(150, ge=1, description="maximum tokens of a reply")
    lora: Lora | None = Field(
        Lora(r=16, alpha=32, dropout=0),
        description="settings of a new adapter, without dropout; null trains all weights; an "
        "adapter that the model already has is trained further",
    )
    questions: str = Field(
        "train", description="split of the questions; use `rl` if the source has it"
    )
    checkpoint_every: NotFingerprinted[int] = Field(
        25, ge=1, description="steps between checkpoints"
    )

    @model_validator(mode="after")
    def _batches_are_whole_groups(self) -> Self:
        if self.batch_size % self.replies:
            raise ValueError(
                f"batch_size must be a multiple of replies ({self.replies}), got {self.batch_size}"
            )
        return self

    def smoke(self) -> Self:
        small = {"steps": 1, "batch_size": 4, "replies": 2, "reward": self.reward.smoke()}
        return self.model_copy(update=small)

    def splits(self) -> tuple[str, ...]:
        return (self.questions,)

    def max_judge_calls(self, questions: int, samples: int) -> int:
        return self.steps * self.batch_size

    def check_installed(self) -> None:
        hf.check_installed(self)

    def check_available(self) -> None:
        groups = self.batch_size // self.replies
        hf.check_batch_size("grpo", groups, "batch_size / replies")

    def makes_adapter(self) -> bool:
        return self.lora is not None

    def work(self, examples: int) -> tuple[int, str]:
        return self.steps, "steps"

    def train(self, model: ModelRef, data: TrainingData, directory: Path) -> ModelRef:
        """See the interface.

        Raises:
            StageError: see `judge_replies`, `UnreadableBatches` and `saysel.hf.fit`.
        """
        import torch

        tokenizer = hf.load_tokenizer(model)
        questions = data.questions(self.questions)
        rollouts = GroupRollouts(self, data, tokenizer, questions)
        torch.manual_seed(data.seed)  # initialises a new adapter
        lm = hf.load_trainable(model, new_adapter(self.lora, model))
        checkpoints = directory / "checkpoints"
        arguments = hf.training_arguments(
            checkpoints,
            max_steps=self.steps,
            save_steps=self.checkpoint_every,
            logging_strategy="steps",
            logging_steps=1,
            **hf.batch_arguments(self.batch_size, self.micro_batch_size),
            learning_rate=learning_rate(self.learning_rate, ADAPTER_LEARNING_RATE, lm),
            lr_scheduler_type="linear",
            num_generations=self.replies,
            temperature=self.temperature,
            max_completion_length=self.max_tokens,
            seed=data.seed,
            data_seed=data.seed,
        )
        data.progress.begin(self.steps, "steps")
        logged = {name: name for name in ("loss", "kl", "entropy")}
        trainer = grpo_trainer(
            rollouts,
            self._question_order(questions, data.seed),
            self.beta,
            model=lm,
            args=grpo_config(**arguments),
            processing_class=tokenizer,
            callbacks=[
                hf.progress_callback(data.progress),
                hf.log_callback(data, logged, lambda: rollouts.figures),
            ],
        )
        hf.fit(trainer, checkpoints, "grpo", data.log)
        return hf.save_trained(trainer.model, tokenizer, model, directory / "model")

    def _question_order(self, questions: Sequence[Question], seed: int) -> list[int]:
        """The rows of the questions of all steps."""
        rows = {question.id: row for row, question in enumerate(questions)}
        groups = self.batch_size // self.replies
        return [
            rows[question.id]
            for step in range(self.steps)
            for question in question_batch(questions, groups, 1, step, seed)
        ]


@dataclass
class GroupRollouts:
    """Samples, judges and weights the replies of a step; see `saysel.hf.grpo.RollOut`.

    Attributes:
        figures: means over the replies of the last step: reward, accuracy, confidence, parse_rate.
    """

    options: GRPOTrainer
    data: TrainingData
    tokenizer: Any
    questions: Sequence[Question]
    figures: dict[str, float] = field(default_factory=dict)
    unreadable: UnreadableBatches = field(default_factory=lambda: UnreadableBatches("grpo"))

    def __call__(self, lm: Any, step: int, rows: Sequence[int]) -> list[WeightedReply]:
        questions = [self.questions[row] for row in rows]
        prompts = hf.encode(self.tokenizer, [self.data.format.prompt(q) for q in questions])
        # 1. Sample a group of replies to each question.
        replies = self._sample(lm, step, prompts)
        # 2. Judge and reward them.
        rewards, marker_ends = self._reward(questions, prompts, replies)
        # 3. Weight each by its advantage over its group.
        size = self.options.replies
        weights = advantages(rewards, size, self.options.scale_rewards)
        return [
            WeightedReply(
                prompts[row // size] + reply.tokens[:start], reply.tokens[start:], weights[row]
            )
            for row, (reply, start) in enumerate(zip(replies, marker_ends, strict=True))
        ]

    def _sample(self, lm: Any, step: int, prompts: Sequence[list[int]]) -> list[hf.Reply]:
        """The replies to all prompts (token ids), group after group."""
        import torch

        options = self.options
        decoding = hf.Decoding(
            options.temperature,
            options.max_tokens,
            marker=self.data.format.confidence_marker if options.mask == "confidence" else "",
        )
        # The generator depends only on the step, so a resumed run samples the same replies.
        generator = torch.Generator(lm.device).manual_seed(
            processes.own_seed(self.data.seed * 1_000_003 + step)
        )
        ends = hf.end_tokens(lm, self.tokenizer)
        prompts_per_pass = max(1, REPLIES_PER_PASS // options.replies)
        replies: list[hf.Reply] = []
        for start in range(0, len(prompts), prompts_per_pass):
            part = prompts[start : start + prompts_per_pass]
            for group in hf.generate(
                lm, self.tokenizer, part, options.replies, decoding, generator, ends
            ):
                replies += group
        return replies

    def _reward(
        self,
        questions: Sequence[Question],
        prompts: Sequence[list[int]],
        replies: Sequence[hf.Reply],
    ) -> tuple[list[float | None], list[int]]:
        """The reward of each reply (`None`: not judged), and the token where training starts."""
        size = self.options.replies
        texts = hf.decode_replies(
            self.tokenizer,
            [prompt for prompt in prompts for _ in range(size)],
            [reply.tokens for reply in replies],
        )
        judged = judge_replies(
            trainer="grpo",
            questions=[question for question in questions for _ in range(size)],
            texts=texts,
            cut=[reply.cut for reply in replies],
            format=self.data.format,
            judge=self.data.judge,
            reward=self.options.reward,
        )
        of_all = JudgedReplies.joined(processes.gather(judged))
        self.figures = of_all.figures()
        self.unreadable.check(self.figures["parse_rate"], of_all.texts)
        rewards: list[float | None] = [None] * len(replies)
        starts = [reply.marker_end for reply in replies]
        for row, confidence, reward in zip(
            judged.rows, judged.confidences, judged.rewards, strict=True
        ):
            rewards[row] = reward
            if confidence is None:
                starts[row] = 0  # any token may have made the reply unreadable
        return rewards, starts


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
