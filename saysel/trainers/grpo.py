"""Group relative policy optimization with any reward (GRPO, arXiv 2402.03300).

Each step samples `replies` replies to each of `batch_size / replies` questions and rewards them
from correctness and stated confidence. A reply's advantage is the difference between its reward
and the mean of its group. The loss, the optimizer and the checkpoints are TRL's; the defaults are
those of RLCR (arXiv 2507.16806), which trains calibration with GRPO, except as noted here.

- An unreadable reply gets the reward's value for it, and all of its tokens are trained.
- A reward that gives a separate value to each part of a reply trains the confidence by that of the
  confidence, and a whole reply (`mask: response`) by the sum; `ppo` trains each part by its own.
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
  accuracy. That GRPO's division makes predictions of random outcomes overconfident, and that they
  are calibrated without it, is the finding of arXiv 2508.11800.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

from pydantic import Field, model_validator
from typing_extensions import Self

from saysel import hf
from saysel.errors import UsageError
from saysel.hf import processes
from saysel.hf.grpo import grpo_config, grpo_trainer
from saysel.interfaces import (
    FingerprintedIfSet,
    NotFingerprinted,
    PassSize,
    RewardFn,
    Trainer,
    TrainingData,
)
from saysel.records import ModelRef, Question
from saysel.trainers.batches import question_batch
from saysel.trainers.group_rollouts import GroupRollouts
from saysel.trainers.lora import Lora, learning_rate, new_adapter
from saysel.trainers.reward_mask import check_mask
from saysel.trainers.vllm import VLLM

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
    vllm: FingerprintedIfSet[VLLM | None] = Field(
        None,
        description="sample the replies with vLLM, with these settings; null: with the trained "
        "model itself",
    )
    questions: str = Field(
        "train", description="split of the questions; use `rl` if the source has it"
    )
    checkpoint_every: NotFingerprinted[int] = Field(
        25, ge=1, description="steps between checkpoints"
    )

    @model_validator(mode="after")
    def _reward_can_change_something(self) -> Self:
        check_mask(self.reward, self.mask)
        return self

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

    def pass_size(self, prompt_tokens: int) -> PassSize:
        return PassSize(
            rows=min(self.batch_size, self.micro_batch_size),
            tokens=prompt_tokens + self.max_tokens,
            logit_tokens=self.max_tokens,
            rank=self.lora.r if self.lora else None,
            max_logits=hf.max_logits("grpo"),
        )

    def check_installed(self) -> None:
        hf.check_installed(self)
        if self.vllm is not None:
            self.vllm.check_installed("grpo")

    def check_available(self) -> None:
        groups = self.batch_size // self.replies
        hf.check_batch_size("grpo", groups, "batch_size / replies")
        if self.vllm is not None and processes.available() > 1:
            raise UsageError(
                f"grpo: vllm samples in one process, and this run has {processes.available()}: "
                "leave out the option vllm, or use one process"
            )

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
        engine = self.vllm.replies(model, directory) if self.vllm is not None else None
        rollouts = GroupRollouts(self, data, tokenizer, questions, engine)
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
        if self.vllm is not None:
            # The probability ratios are the importance weights, which have a limit already.
            arguments["epsilon"] = self.vllm.max_weight
        data.progress.begin(self.steps, "steps")
        logged = {name: name for name in ("loss", "kl", "entropy")}
        trainer = grpo_trainer(
            rollouts,
            self._question_order(questions, data.seed),
            self.beta,
            self.vllm.max_weight if self.vllm is not None else None,
            model=lm,
            args=grpo_config(**arguments),
            processing_class=tokenizer,
            callbacks=[
                hf.progress_callback(data.progress),
                hf.log_callback(data, logged, lambda: {**rollouts.figures, **trainer.gap_figures}),
            ],
        )
        hf.fit(
            trainer, checkpoints, "grpo", data.log, keeps=lambda: not rollouts.unreadable.in_a_row
        )
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
