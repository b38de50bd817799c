"""Group relative policy optimization with any reward (GRPO, arXiv 2402.03300).

A step draws `replies` replies to each of `batch_size / replies` questions. Each is rewarded from
correctness and stated confidence, and raised or lowered by how much its reward differs from the
mean of its group. The loss, the optimizer and the checkpoints are TRL's; the defaults are those of
RLCR (arXiv 2507.16806), which trains calibration with it, except where said otherwise here.

- A reply that cannot be read earns what the reward gives for it, and all of its tokens move.
- A reply whose answer the judge cannot judge has no reward: it counts in no mean, its advantage is
  0, and nothing is learned from it. So has one whose group has no other reply with a reward.
- One update is made for each batch, so no probability ratio leaves 1 and nothing is clipped.
- The KL term is that of GRPO's paper (equation 4), whichever form the installed TRL prefers.
- Deviation: GRPO divides by the deviation of each group's rewards, ours is undivided by default
  (as in arXiv 2503.20783). Replies to one question mostly share their answer. Where all are right,
  rewards spread the less the surer they are, where all are wrong the more; divided by that, both
  push as hard at any confidence, and the confidence of questions that look alike runs to 0 or 1
  instead of to their accuracy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any, ClassVar, Literal, cast

from pydantic import Field, model_validator
from typing_extensions import Self

from saysel import hf
from saysel.hf import grpo
from saysel.hf.generation import Decoding, generate
from saysel.interfaces import NotFingerprinted, RewardFn, Trainer, TrainingData
from saysel.records import ModelRef, Question
from saysel.trainers.judged_replies import UnreadableBatches, earned
from saysel.trainers.ppo import batch
from saysel.trainers.rates import learning_rate
from saysel.trainers.sft import Lora, new_adapter

#: Replies that are drawn side by side.
PASS = 256
#: Default learning rate of an adapter: RLCR's of 1e-6 is for all weights.
ADAPTER_RATE = 1e-5


class GRPOTrainer(Trainer):
    """Raise the replies that earn more than others to the same question, with TRL's GRPO."""

    version: ClassVar[int] = 3
    uses_eval_temperature: ClassVar[bool] = False  # at a temperature of its own

    reward: RewardFn = Field(
        cast(Any, "quadratic"), validate_default=True, description="what a reply earns"
    )
    mask: Literal["confidence", "response"] = Field(
        "confidence", description="tokens that the reward may move"
    )
    steps: int = Field(200, ge=1, description="batches to learn from, an update each")
    batch_size: int = Field(256, ge=2, description="replies a batch, a multiple of `replies`")
    micro_batch_size: NotFingerprinted[int] = Field(
        32, ge=1, description="replies a forward pass; smaller ones are accumulated"
    )
    replies: int = Field(
        32, ge=2, description="replies to each question of a batch, which are compared"
    )
    temperature: float = Field(0.7, gt=0, description="at which replies are drawn and learned")
    learning_rate: float | None = Field(
        None,
        gt=0,
        description="of AdamW at the start, linear decay; null: 1e-5 for an adapter, 1e-6 for "
        "all weights",
    )
    beta: float = Field(
        0.0, ge=0, description="weight of KL on tokens it may move, to the policy as it came"
    )
    scale_rewards: Literal["group", "none"] = Field(
        "none", description="divide advantages by the deviation of their group's rewards, or not"
    )
    max_tokens: int = Field(150, ge=1, description="a reply ends here at the latest")
    lora: Lora | None = Field(
        Lora(r=16, alpha=32, dropout=0),
        description="settings of a new adapter, whose dropout stays off; null trains all weights; "
        "a model that comes with an adapter goes on with that one",
    )
    questions: str = Field(
        "train", description="split to draw questions from: `rl` where there are enough for one"
    )
    checkpoint_every: NotFingerprinted[int] = Field(
        25, ge=1, description="steps between checkpoints"
    )

    @model_validator(mode="after")
    def _whole_groups(self) -> Self:
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

    def makes_adapter(self) -> bool:
        return self.lora is not None

    def work(self, examples: int) -> tuple[int, str]:
        return self.steps, "steps"

    def train(self, model: ModelRef, data: TrainingData, directory: Path) -> ModelRef:
        import torch

        tokenizer = hf.load_tokenizer(model)
        questions = data.questions(self.questions)
        each = self.batch_size // self.replies
        rows = {question.id: row for row, question in enumerate(questions)}
        order = [
            rows[question.id]
            for step in range(self.steps)
            for question in batch(questions, each, 1, step, data.seed)
        ]
        figures: dict[str, float] = {}
        unreadable = UnreadableBatches("grpo")

        def roll_out(lm: Any, step: int, asked: Sequence[int]) -> list[grpo.Weighed]:
            # All that is random in a step hangs on its number, so a resumed run draws the same.
            generator = torch.Generator(lm.device)
            generator.manual_seed(data.seed * 1_000_003 + step)
            figures.clear()
            chosen = [questions[row] for row in asked]
            return self._replies(lm, tokenizer, data, chosen, generator, figures, unreadable)

        torch.manual_seed(data.seed)  # for a new adapter
        lm = hf.load_trainable(model, new_adapter(self.lora, model))
        arguments = hf.training_arguments(
            directory / "checkpoints",
            max_steps=self.steps,
            save_steps=self.checkpoint_every,
            logging_strategy="steps",
            logging_steps=1,
            **hf.batches(self.batch_size, self.micro_batch_size),
            learning_rate=learning_rate(self.learning_rate, ADAPTER_RATE, lm),
            lr_scheduler_type="linear",
            num_generations=self.replies,
            temperature=self.temperature,
            max_completion_length=self.max_tokens,
            seed=data.seed,
            data_seed=data.seed,
        )
        data.progress.begin(self.steps, "steps")
        trainer = grpo.grpo_trainer(
            roll_out,
            order,
            self.beta,
            model=lm,
            args=grpo.grpo_config(**arguments),
            processing_class=tokenizer,
            callbacks=[hf.tell(data.progress), record(data, figures)],
        )
        hf.fit(trainer, directory / "checkpoints", "grpo", data.log)
        return hf.save_trained(trainer.model, tokenizer, model, directory / "model")

    def _replies(
        self,
        lm: Any,
        tokenizer: Any,
        data: TrainingData,
        questions: Sequence[Question],
        generator: Any,
        figures: dict[str, float],
        unreadable: UnreadableBatches,
    ) -> list[grpo.Weighed]:
        """The replies to each of the questions, weighed, group after group.

        Args:
            figures: takes their means for the record: reward, accuracy, confidence, parse_rate.
            unreadable: counts the batch if no reply can be read.

        Raises:
            StageError: see `earned` and `UnreadableBatches`.
        """
        prompts = hf.encode(tokenizer, [data.format.prompt(question) for question in questions])
        decoding = Decoding(
            self.temperature,
            self.max_tokens,
            mark=data.format.confidence_marker if self.mask == "confidence" else "",
        )
        ends = hf.end_tokens(lm, tokenizer)
        size = max(1, PASS // self.replies)
        drawn = []
        for start in range(0, len(prompts), size):
            part = prompts[start : start + size]
            groups = generate(lm, tokenizer, part, self.replies, decoding, generator, ends)
            drawn += [reply for group in groups for reply in group]
        asked = [question for question in questions for _ in range(self.replies)]
        asked_with = [prompt for prompt in prompts for _ in range(self.replies)]
        texts = hf.decode_replies(tokenizer, asked_with, [reply.tokens for reply in drawn])
        cut = [reply.cut for reply in drawn]
        found = earned("grpo", asked, texts, cut, data.format, data.judge, self.reward)
        figures.clear()
        figures |= found.figures()
        unreadable.check(figures["parse_rate"], found.texts)
        rewards: list[float | None] = [None] * len(drawn)
        # Where what may move begins: at once, if the reply cannot be read.
        marked = [reply.marked for reply in drawn]
        for row, stated, reward in zip(found.rows, found.stated, found.rewards, strict=True):
            rewards[row] = reward
            if stated is None:
                marked[row] = 0
        weighed = []
        for row, (reply, advantage) in enumerate(
            zip(drawn, advantages(rewards, self.replies, self.scale_rewards), strict=True)
        ):
            context = prompts[row // self.replies] + reply.tokens[: marked[row]]
            weighed.append(grpo.Weighed(context, reply.tokens[marked[row] :], advantage))
        return weighed


def advantages(
    rewards: Sequence[float | None], size: int, scale: Literal["group", "none"]
) -> list[float]:
    """Each reward less the mean of its group of `size` neighbours, which may be scaled.

    `None` counts in no mean or deviation and comes out as 0, and so does a whole group whose
    rewards are all alike. With `group` the rest is divided by the group's deviation.
    """
    found = []
    for start in range(0, len(rewards), size):
        group = rewards[start : start + size]
        known = [reward for reward in group if reward is not None]
        mean = fmean(known) if known else 0.0
        spread = pstdev(known) if known and scale == "group" else 1.0
        found += [
            (reward - mean) / (spread + 1e-4 * (scale == "group")) if reward is not None else 0.0
            for reward in group
        ]
    return found


def record(data: TrainingData, figures: dict[str, float]) -> Any:
    """A callback that records the figures of each step's replies, with TRL's of its update."""
    from transformers import TrainerCallback

    class Record(TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if logs and "loss" in logs:
                of_update = {
                    name: float(logs[name]) for name in ("loss", "kl", "entropy") if name in logs
                }
                data.log(step=float(state.global_step), **figures, **of_update)

    return Record()
