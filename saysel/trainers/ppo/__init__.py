"""Stage 2 of SaySelf: PPO on what the reward may move (arXiv 2405.20974, section 2.3).

A step draws `batch_size` replies, `replies` to a question, rewards them from correctness and stated
confidence, and takes `epochs` passes of clipped updates over the batch in mini-batches.

Deviations from the paper, each because the paper's way failed in our experiments:
- Answers are decoded at the temperature of the evaluation; only the tokens that the reward may
  move are sampled at a temperature of their own, `explore`. Rollouts at another temperature teach
  the confidence of answers that the model will not give. After fine-tuning, a rationale can leave
  nearly all probability on one confidence: `explore` above 1 lets others be tried.
- A KL term to the initial policy covers all tokens of the reply, computed exactly over the
  vocabulary and added to the loss instead of the reward: without it, updates that touch only the
  confidence make replies unreadable within some sixty steps.
- Advantages are estimated (GAE) and normalised over readable replies alone, and the value head is
  fitted to these. An unreadable reply gets its reward (-1) as one advantage, spread evenly over
  its tokens, or over those after the marker where its answer can be read: inside GAE and
  normalisation, a single one among 64 replies weighed as much as 30 readable ones and made the
  advantages of all others positive.
- An unreadable reply is held to the initial policy as firmly as the tokens that the reward may
  not move. Without that, a few of them in one batch can make all later replies unreadable, and
  training does not recover.
- With several replies per question, the mean reward of the other readable ones is subtracted from
  that of each readable reply.
- `confidences: summed` learns from the expected reward over all confidences that the format can
  state. This is the exact gradient that sampling one of them only estimates: no sampling noise,
  no ratio, no baseline.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from pydantic import Field, model_validator
from typing_extensions import Self

from saysel import hf
from saysel.hf.confidence_tokens import ConfidenceTokens
from saysel.hf.generation import Decoding
from saysel.hf.interruption import deferred
from saysel.interfaces import NotFingerprinted, RewardFn, Trainer, TrainingData
from saysel.records import ModelRef, Question
from saysel.trainers.judged_replies import UnreadableBatches
from saysel.trainers.ppo.checkpoint import Checkpoint
from saysel.trainers.ppo.learner import Learner
from saysel.trainers.ppo.policy import Policy
from saysel.trainers.ppo.rollouts import Rollouts, roll_out
from saysel.trainers.rates import learning_rate
from saysel.trainers.sft import Lora

if TYPE_CHECKING:
    import torch

#: Default learning rate of an adapter, as in the paper.
ADAPTER_RATE = 1e-5


class PPOTrainer(Trainer):
    """Calibrate the stated confidence with PPO and any reward."""

    version: ClassVar[int] = 4
    uses_eval_temperature: ClassVar[bool] = True

    reward: RewardFn = Field(
        cast(Any, "quadratic"), validate_default=True, description="what a reply earns"
    )
    mask: Literal["confidence", "response"] = Field(
        "confidence", description="tokens that the reward may move"
    )
    steps: int = Field(200, ge=1, description="batches to learn from")
    batch_size: int = Field(64, ge=1, description="replies a batch")
    replies: int = Field(
        1, ge=1, description="replies to each question of a batch; they are each other's baseline"
    )
    mini_batch_size: int = Field(8, ge=1, description="replies an update")
    epochs: int = Field(2, ge=1, description="passes over each batch")
    learning_rate: float | None = Field(
        None,
        gt=0,
        description="of AdamW at the start, linear decay; null: 1e-5 for an adapter, 1e-6 for "
        "all weights",
    )
    value_learning_rate: float = Field(1e-3, gt=0, description="the same for the value head")
    max_tokens: int = Field(150, ge=1, description="a reply ends here at the latest")
    top_k: int = Field(50, ge=0, description="draw from the k likeliest tokens; 0: from all")
    confidences: Literal["drawn", "summed"] = Field(
        "drawn",
        description="learn from the confidence that was drawn, or from the expectation over all "
        "that could have been; `summed` needs `mask: confidence`",
    )
    explore: float = Field(
        1.0,
        gt=0,
        description="temperature at which tokens that the reward may move are drawn or summed",
    )
    entropy: float = Field(
        0.0,
        ge=0,
        description="reward for a nat of entropy over the confidences; needs `confidences: summed`",
    )
    gamma: float = Field(1.0, gt=0, le=1, description="discount per token")
    lam: float = Field(0.95, ge=0, le=1, description="lambda of GAE")
    clip: float = Field(0.2, gt=0, description="how far a probability ratio may count from 1")
    value_clip: float = Field(0.2, gt=0, description="how far a value may count from its old one")
    kl: float = Field(
        1.0,
        ge=0,
        description="weight of KL on tokens the reward may not move, and in unreadable replies",
    )
    kl_movable: float = Field(0.02, ge=0, description="weight of KL on tokens it may move")
    kl_target: float | None = Field(
        None, gt=0, description="nats per reply to steer both weights to; null keeps them fixed"
    )
    scale_rewards: bool = Field(
        False,
        description="divide rewards by the running root of their mean square; needs "
        "`confidences: drawn`",
    )
    whiten: bool = Field(
        True,
        description="normalise the advantages of readable replies over each batch, with "
        "`confidences: drawn`",
    )
    lora: Lora | None = Field(
        None,
        description="settings of a new adapter; null trains all weights; a model that comes with "
        "an adapter goes on with that one",
    )
    questions: str = Field(
        "train", description="split to draw questions from: `rl` where there are enough for one"
    )
    checkpoint_every: NotFingerprinted[int] = Field(
        25, ge=1, description="steps between checkpoints"
    )

    @model_validator(mode="after")
    def _only_confidences_are_summed(self) -> Self:
        if self.confidences == "summed" and self.mask != "confidence":
            raise ValueError("confidences: summed needs mask: confidence")
        if self.scale_rewards and self.confidences == "summed":
            raise ValueError("scale_rewards needs confidences: drawn")
        if self.entropy and self.confidences != "summed":
            raise ValueError("entropy needs confidences: summed")
        return self

    def smoke(self) -> Self:
        return self.model_copy(update={"steps": 1, "reward": self.reward.smoke()})

    def splits(self) -> tuple[str, ...]:
        return (self.questions,)

    def max_judge_calls(self, questions: int, samples: int) -> int:
        return self.steps * self.batch_size

    def check_installed(self) -> None:
        hf.check_installed(self)

    def makes_adapter(self) -> bool:
        return self.lora is not None

    def work(self, examples: int) -> tuple[int, str]:
        return self.steps, "steps"

    def train(self, model: ModelRef, data: TrainingData, directory: Path) -> ModelRef:
        import torch

        torch.manual_seed(data.seed)
        policy = Policy(model, self.lora)
        optimizer = self._optimizer(policy)
        decay = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / self.steps)
        tokens = None
        if self.confidences == "summed":
            ends = hf.end_tokens(policy.model, policy.tokenizer)
            tokens = ConfidenceTokens(data.format, policy.tokenizer, ends)
        learner = Learner(self, policy, optimizer, tokens)
        checkpoint = Checkpoint(
            directory / "checkpoints" / "checkpoint.pt", policy, optimizer, decay, learner
        )
        start = checkpoint.restore()
        questions = data.questions(self.questions)
        unreadable = UnreadableBatches("ppo")
        data.progress.begin(self.steps, "steps")
        data.progress.advance(start)
        with deferred() as interruption:
            for step in range(start, self.steps):
                # A step's randomness depends on its number alone, so a resumed run repeats it.
                generator = torch.Generator(policy.model.device)
                generator.manual_seed(data.seed * 1_000_003 + step)
                asked = batch(questions, self.batch_size, self.replies, step, data.seed)
                rollouts = self._roll_out(policy, asked, data, generator, tokens)
                unreadable.check(rollouts.figures["parse_rate"], rollouts.texts)
                figures = learner.learn(rollouts, generator)
                decay.step()
                data.log(step=step + 1, **rollouts.figures, **figures)
                data.progress.advance()
                due = (step + 1) % self.checkpoint_every == 0 and step + 1 < self.steps
                if due or interruption.requested:
                    checkpoint.save(step + 1)
                if interruption.requested:
                    raise KeyboardInterrupt
        return hf.save_trained(policy.finished(), policy.tokenizer, model, directory / "model")

    def _optimizer(self, policy: Policy) -> torch.optim.Optimizer:
        import torch

        rate = learning_rate(self.learning_rate, ADAPTER_RATE, policy.model)
        return torch.optim.AdamW(
            [
                {"params": policy.parameters(), "lr": rate},
                {"params": list(policy.head.parameters()), "lr": self.value_learning_rate},
            ],
            weight_decay=0.0,
        )

    def _roll_out(
        self,
        policy: Policy,
        questions: list[Question],
        data: TrainingData,
        generator: torch.Generator,
        tokens: ConfidenceTokens | None,
    ) -> Rollouts:
        decoding = Decoding(
            temperature=data.temperature,
            max_tokens=self.max_tokens,
            top_k=self.top_k,
            mark=data.format.confidence_marker if self.mask == "confidence" else "",
            explore=None if self.confidences == "summed" else self.explore,
        )
        return roll_out(
            policy,
            questions,
            data.format,
            data.judge,
            self.reward,
            self.mask,
            decoding,
            generator,
            tokens,
        )


def batch(
    questions: list[Question], size: int, replies: int, step: int, seed: int
) -> list[Question]:
    """The questions of a step, each as often as it is to be replied to, at most `size` in all.

    Every question comes once per pass over them, each pass in another order.
    """
    count = max(1, size // replies)
    wanted = range(step * count, (step + 1) * count)
    orders: dict[int, list[int]] = {}
    chosen = []
    for place in wanted:
        turn, row = divmod(place, len(questions))
        if turn not in orders:
            orders[turn] = list(range(len(questions)))
            random.Random(f"ppo/{seed}/{turn}").shuffle(orders[turn])
        chosen += [questions[orders[turn][row]]] * replies
    return chosen
