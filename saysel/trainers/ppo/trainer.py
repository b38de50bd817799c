"""Stage 2 of SaySelf: PPO on the tokens that the reward trains (arXiv 2405.20974, section 2.3).

Each step samples `batch_size` replies, `replies` to each question, rewards them from correctness
and stated confidence, and makes `epochs` passes of clipped updates over the batch in mini-batches.

Deviations from the paper, each because the paper's way failed in our experiments:
- Answers are decoded at the temperature of the evaluation; only the tokens that the reward trains
  are sampled at another temperature, `confidence_temperature`. Rollouts at another
  temperature teach the confidence of answers that the model will not give. After fine-tuning, a
  rationale can leave nearly all probability on one confidence; a `confidence_temperature` above 1
  explores others.
- A KL term to the initial policy covers all tokens of the reply, computed exactly over the
  vocabulary and added to the loss instead of the reward. Without it, updates that train only the
  confidence make replies unreadable within about sixty steps.
- Advantages are estimated (GAE) and normalised over readable replies only, and the value head is
  fitted to these. For an unreadable reply, the reward (-1) is its only advantage, spread evenly
  over its tokens, or over those after the marker if its answer can be parsed. Inside GAE and
  normalisation, a single one among 64 replies weighed as much as 30 readable ones and made the
  advantages of all others positive.
- All tokens of an unreadable reply are held to the initial policy as firmly as the tokens that
  are not trained. Without that, a few of them in one batch can make all later replies unreadable,
  and training does not recover.
- With several replies per question, the mean reward of the other readable ones is subtracted from
  the reward of each readable reply.
- `confidences: expected` maximises the expected reward over all confidences that the format can
  state. This is the exact gradient that sampling one confidence only estimates: no sampling
  noise, no ratio, no baseline.
- A `BatchReward`, such as `split`, rewards each part of a reply separately: advantages are
  estimated within a part, so that no part is rewarded for what follows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from pydantic import Field, model_validator
from typing_extensions import Self

from saysel import hf
from saysel.hf import processes, sharding
from saysel.interfaces import (
    BatchReward,
    FingerprintedIfSet,
    Format,
    NotFingerprinted,
    PassSize,
    RewardFn,
    Trainer,
    TrainingData,
)
from saysel.records import ModelRef
from saysel.trainers.batches import question_batch
from saysel.trainers.judged_replies import UnreadableBatches
from saysel.trainers.lora import Lora, learning_rate
from saysel.trainers.ppo.checkpoint import Checkpoint
from saysel.trainers.ppo.learner import Learner
from saysel.trainers.ppo.policy import Policy
from saysel.trainers.ppo.rollouts import roll_out
from saysel.trainers.reward_mask import check_mask
from saysel.trainers.vllm import VLLM

if TYPE_CHECKING:
    import torch

#: Default learning rate of an adapter, as in the paper.
ADAPTER_LEARNING_RATE = 1e-5


class PPOTrainer(Trainer):
    """Calibrate the stated confidence with PPO and any reward."""

    version: ClassVar[int] = 4
    uses_eval_temperature: ClassVar[bool] = True
    in_every_process: ClassVar[bool] = True
    renamed: ClassVar[Mapping[str, str]] = {
        "explore": "confidence_temperature",
        "kl_movable": "kl_trained",
        "confidences: drawn": "sampled",
        "confidences: summed": "expected",
    }

    reward: RewardFn = Field(
        cast(Any, "quadratic"), validate_default=True, description="reward of a reply"
    )
    mask: Literal["confidence", "response"] = Field(
        "confidence", description="tokens that the reward trains"
    )
    steps: int = Field(200, ge=1, description="number of batches")
    batch_size: int = Field(64, ge=1, description="replies per batch")
    replies: int = Field(
        1, ge=1, description="replies to each question of a batch, each other's baseline"
    )
    mini_batch_size: int = Field(8, ge=1, description="replies per update")
    micro_batch_size: NotFingerprinted[int] = Field(
        32, ge=1, description="replies per forward pass; gradients are accumulated"
    )
    gradient_checkpointing: NotFingerprinted[bool | None] = Field(
        None,
        description="recompute the activations of each layer in the backward pass, which takes "
        "less memory and more time; null: on accelerators only",
    )
    epochs: int = Field(2, ge=1, description="passes over each batch")
    learning_rate: float | None = Field(
        None,
        gt=0,
        description="initial rate of AdamW, with linear decay; null: 1e-5 for an adapter, 1e-6 "
        "for all weights",
    )
    value_learning_rate: float = Field(1e-3, gt=0, description="the same for the value head")
    max_tokens: int = Field(150, ge=1, description="maximum tokens of a reply")
    top_k: int = Field(50, ge=0, description="sample from the k most likely tokens; 0: from all")
    confidences: Literal["sampled", "expected"] = Field(
        "sampled",
        description="learn from the sampled confidence, or from the expected reward over all "
        "confidences; `expected` needs `mask: confidence` or a reward like `split`",
    )
    confidence_temperature: float = Field(
        1.0, gt=0, description="temperature of the tokens that the reward trains"
    )
    entropy: float = Field(
        0.0,
        ge=0,
        description="reward per nat of entropy over the confidences; needs `confidences: expected`",
    )
    gamma: float = Field(1.0, gt=0, le=1, description="discount per token")
    lam: float = Field(0.95, ge=0, le=1, description="lambda of GAE")
    clip: float = Field(0.2, gt=0, description="probability ratios are clipped to 1 ± this")
    value_clip: float = Field(0.2, gt=0, description="values are clipped to their old value ± this")
    kl: float = Field(
        1.0,
        ge=0,
        description="weight of the KL divergence on tokens that are not trained, and on all "
        "tokens of unreadable replies",
    )
    kl_trained: float = Field(
        0.02, ge=0, description="weight of the KL divergence on trained tokens"
    )
    kl_target: float | None = Field(
        None,
        gt=0,
        description="KL divergence per reply, in nats, to which both weights are adapted; null: "
        "fixed weights",
    )
    scale_rewards: bool = Field(
        False,
        description="divide rewards by their running root mean square; needs "
        "`confidences: sampled`",
    )
    whiten: bool = Field(
        True,
        description="normalise the advantages of readable replies over each batch, with "
        "`confidences: sampled`",
    )
    lora: Lora | None = Field(
        Lora(dropout=0),
        description="settings of a new adapter, without dropout; null trains all weights; an "
        "adapter that the model already has is trained further",
    )
    vllm: FingerprintedIfSet[VLLM | None] = Field(
        None,
        description="sample the replies with vLLM, with these settings; null: with the trained "
        "model itself; needs `top_k: 0`",
    )
    questions: str = Field(
        "train", description="split of the questions; use `rl` if the source has it"
    )
    checkpoint_every: NotFingerprinted[int] = Field(
        25, ge=1, description="steps between checkpoints"
    )

    @model_validator(mode="after")
    def _only_confidences_have_an_expectation(self) -> Self:
        check_mask(self.reward, self.mask)
        by_segment = isinstance(self.reward, BatchReward)
        if self.confidences == "expected" and self.mask == "response" and not by_segment:
            raise ValueError(
                "confidences: expected needs mask: confidence, or a separate reward for each part "
                "of a reply, such as split"
            )
        if self.scale_rewards and self.confidences == "expected":
            raise ValueError("scale_rewards needs confidences: sampled")
        if self.entropy and self.confidences != "expected":
            raise ValueError("entropy needs confidences: expected")
        return self

    @model_validator(mode="after")
    def _replies_to_one_question_fit_into_a_batch(self) -> Self:
        if self.replies > self.batch_size:
            raise ValueError(
                f"batch_size must be at least replies ({self.replies}), got {self.batch_size}"
            )
        return self

    @model_validator(mode="after")
    def _vllm_samples_from_all_tokens(self) -> Self:
        if self.vllm is not None and self.top_k:
            raise ValueError(
                "vllm needs top_k: 0, because its log-probabilities are compared with those of "
                "the policy over all tokens"
            )
        return self

    def smoke(self) -> Self:
        return self.model_copy(update={"steps": 1, "reward": self.reward.smoke()})

    def splits(self) -> tuple[str, ...]:
        return (self.questions,)

    def max_judge_calls(self, questions: int, samples: int) -> int:
        return self.steps * self.batch_size

    def pass_size(self, prompt_tokens: int) -> PassSize:
        return PassSize(
            rows=min(self.mini_batch_size, self.micro_batch_size),
            tokens=prompt_tokens + self.max_tokens,
            logit_tokens=self.max_tokens,
            rank=self.lora.r if self.lora else None,
            checkpointing=self.gradient_checkpointing,
            reference_copy=self.lora is None,
            max_logits=hf.LOGITS_PER_CHUNK,
        )

    def check_installed(self) -> None:
        hf.check_installed(self)
        if self.vllm is not None:
            self.vllm.check_installed("ppo")

    def makes_adapter(self) -> bool:
        return self.lora is not None

    def work(self, examples: int) -> tuple[int, str]:
        return self.steps, "steps"

    def train(self, model: ModelRef, data: TrainingData, directory: Path) -> ModelRef:
        """See the interface.

        Raises:
            StageError: see `judge_replies`, `UnreadableBatches` and `Learner.update`.
        """
        import torch

        torch.manual_seed(data.seed)  # initialises a new adapter
        engine = self.vllm.replies(model, directory) if self.vllm is not None else None
        policy = Policy(model, self.lora, self._checkpoints_layers(), engine)
        optimizer = self._optimizer(policy)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / self.steps)
        tokens = self._confidence_tokens(policy, data.format)
        learner = Learner(self, policy, optimizer, tokens)
        checkpoint = Checkpoint(
            directory / "checkpoints" / "checkpoint.pt", policy, optimizer, schedule, learner
        )
        first = checkpoint.restore()
        questions = data.questions(self.questions)
        unreadable = UnreadableBatches("ppo")
        data.progress.begin(self.steps, "steps")
        data.progress.advance(first)
        with hf.defer_interrupt() as interruption:
            for step in range(first, self.steps):
                # The generator depends only on the step, so a resumed run repeats the step.
                generator = torch.Generator(policy.model.device)
                generator.manual_seed(processes.own_seed(data.seed * 1_000_003 + step))
                # 1. Choose the questions of the step, B in total with repetitions.
                batch = question_batch(questions, self.batch_size, self.replies, step, data.seed)
                # 2. Sample a reply to each from the policy, judge and reward it: [B, T].
                rollouts = roll_out(self, policy, tokens, batch, data, generator)
                unreadable.check(rollouts.figures["parse_rate"], rollouts.texts)
                # 3. Estimate the advantage of each token over the value head's baseline, [B, T].
                targets = learner.targets(rollouts)
                # 4. Update policy and value head, `epochs` times over all mini-batches.
                figures = learner.update(rollouts, targets, generator)
                schedule.step()
                # 5. Record the step, and save a checkpoint when one is due.
                data.log(step=step + 1, **rollouts.figures, **figures)
                data.progress.advance()
                interruption.requested = any(processes.gather(interruption.requested))
                due = (step + 1) % self.checkpoint_every == 0 and step + 1 < self.steps
                if (due and not unreadable.in_a_row) or interruption.requested:
                    checkpoint.save(step + 1)
                if interruption.requested:
                    raise KeyboardInterrupt
        return hf.save_trained(policy.trained_model(), policy.tokenizer, model, directory / "model")

    def _checkpoints_layers(self) -> bool:
        if self.gradient_checkpointing is None:
            return hf.device() != "cpu"
        return self.gradient_checkpointing

    def _optimizer(self, policy: Policy) -> torch.optim.Optimizer:
        import torch

        rate = learning_rate(self.learning_rate, ADAPTER_LEARNING_RATE, policy.model)
        optimizer = torch.optim.AdamW(
            [
                {"params": policy.parameters(), "lr": rate},
                {"params": list(policy.head.parameters()), "lr": self.value_learning_rate},
            ],
            weight_decay=0.0,
        )
        sharding.separate(optimizer)
        return optimizer

    def _confidence_tokens(self, policy: Policy, format: Format) -> hf.ConfidenceTokens | None:
        if self.confidences == "sampled":
            return None
        ends = hf.end_tokens(policy.model, policy.tokenizer)
        return hf.ConfidenceTokens(format, policy.tokenizer, ends)
