"""Short trainings that give the same losses however many processes divide their batches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from saysel import hf
from saysel.hf.grpo import WeightedReply, grpo_config, grpo_trainer
from saysel.records import Example, ModelRef
from saysel.rewards.quadratic import QuadraticReward
from saysel.testing import Data
from saysel.trainers.lora import Lora
from saysel.trainers.ppo.trainer import PPOTrainer
from saysel.trainers.sft import SFTTrainer
from tests.trainers.two_arms import FORMAT, TwoArms

#: 32 examples, so that the last batch of an epoch has 8 instead of 12.
SFT: dict[str, Any] = {"batch_size": 12, "micro_batch_size": 4, "learning_rate": 1e-3, "epochs": 2}
#: The last mini-batch has 4 replies, and 5 replies are not divided evenly.
PPO: dict[str, Any] = {
    **{"steps": 2, "batch_size": 14, "mini_batch_size": 5, "micro_batch_size": 2, "epochs": 1},
    **{"confidences": "expected", "learning_rate": 1e-3, "max_tokens": 12},
}
ADAPTER = Lora(r=4, alpha=8, dropout=0)


class Training(NamedTuple):
    """What happened in one process.

    Attributes:
        figures: what was logged.
        model: what was saved.
    """

    figures: list[dict[str, float]]
    model: ModelRef


def data() -> Data:
    return Data(TwoArms().questions("train"), format=FORMAT, temperature=0.0, seed=3)


def sft(model: ModelRef, directory: Path, lora: Lora | None) -> Training:
    """Fine-tune on examples of different lengths."""
    questions = data()
    examples = [
        Example(
            question.id,
            tuple(FORMAT.prompt(question)),
            FORMAT.render("blue" if number % 3 else "red, red, red", None, 0.3),
            0.3,
        )
        for number, question in enumerate(questions.all_questions)
    ]
    questions = replace(questions, all_examples=examples)
    trained = SFTTrainer(**SFT, lora=lora).train(model, questions, directory)
    return Training(questions.figures, trained)


def grpo(model: ModelRef, directory: Path, beta: float) -> Training:
    """GRPO on replies that depend only on the question and the step."""
    questions = data()
    tokenizer = hf.load_tokenizer(model)
    prompts = hf.encode(tokenizer, [FORMAT.prompt(q) for q in questions.all_questions])
    texts = [FORMAT.render(answer, None, 0.5) for answer in ("red", "blue", "red or blue", "no")]
    replies = hf.encode_replies(tokenizer, texts)

    def roll_out(lm: Any, step: int, rows: Any) -> list[WeightedReply]:
        return [
            WeightedReply(prompts[row], reply, advantage * (1 + row % 3) / (1 + step))
            for row in rows
            for reply, advantage in zip(replies, (1.0, -0.5, 0.5, -0.75), strict=True)
        ]

    lm = hf.load_trainable(model)
    trainer = grpo_trainer(
        roll_out,
        list(range(12)),
        beta,
        model=lm,
        args=grpo_config(
            **hf.training_arguments(
                directory,
                max_steps=3,
                logging_strategy="steps",
                logging_steps=1,
                **hf.batch_arguments(16, 4),
                learning_rate=1e-3,
                num_generations=4,
                max_completion_length=32,
            )
        ),
        processing_class=tokenizer,
        # TRL averages other figures over micro-batches, whose sizes depend on the processes.
        callbacks=[hf.log_callback(questions, {"loss": "loss", "grad_norm": "norm"})],
    )
    hf.fit(trainer, directory, "grpo")
    return Training(questions.figures, hf.save_trained(trainer.model, tokenizer, model, directory))


def ppo(model: ModelRef, directory: Path, lora: Lora | None) -> Training:
    """PPO on the expected confidence of greedy answers, which draws no tokens."""
    questions = data()
    trainer = PPOTrainer(**PPO, reward=QuadraticReward(), lora=lora)
    return Training(questions.figures, trainer.train(model, questions, directory))


def held_share(model: ModelRef) -> float:
    """The share of the weights of the layers that this process holds while it trains."""
    lm = hf.load_trainable(model)
    weights = list(lm.model.layers.parameters())
    held = [getattr(weight, "to_local", lambda weight=weight: weight)() for weight in weights]
    return sum(part.numel() for part in held) / sum(weight.numel() for weight in weights)


def all_results(model: ModelRef, directory: Path) -> tuple[dict[str, Training], float]:
    """What this process trains, and the share of the weights that it holds."""
    return trainings(model, directory), held_share(model)


def trainings(model: ModelRef, directory: Path) -> dict[str, Training]:
    """All of them, each in a folder of the directory."""
    return {
        "sft": sft(model, directory / "sft", None),
        "sft with an adapter": sft(model, directory / "adapter", ADAPTER),
        "grpo": grpo(model, directory / "grpo", 0.0),
        "grpo with a reference": grpo(model, directory / "reference", 0.1),
        "ppo": ppo(model, directory / "ppo", None),
        "ppo with an adapter": ppo(model, directory / "ppo-adapter", ADAPTER),
    }
