"""A short GRPO training with a checkpoint at each step, for several processes."""

from __future__ import annotations

from pathlib import Path

from saysel import hf
from saysel.errors import StageError
from saysel.hf.grpo import WeightedReply, grpo_config, grpo_trainer
from saysel.records import ModelRef
from tests.trainers.divided_training import FORMAT, data


def train(model: ModelRef, directory: Path, steps: int) -> list[float] | str:
    """The steps that were made, or the error."""
    questions = data()
    tokenizer = hf.load_tokenizer(model)
    prompts = hf.encode(tokenizer, [FORMAT.prompt(q) for q in questions.all_questions])
    replies = hf.encode_replies(tokenizer, [FORMAT.render("red", None, c) for c in (0.1, 0.9)])

    def roll_out(lm: object, step: int, rows: object) -> list[WeightedReply]:
        assert isinstance(rows, list)
        return [
            WeightedReply(prompts[row], reply, advantage)
            for row in rows
            for reply, advantage in zip(replies, (1.0, -1.0), strict=True)
        ]

    trainer = grpo_trainer(
        roll_out,
        list(range(20)),
        0.0,
        model=hf.load_trainable(model),
        args=grpo_config(
            **hf.training_arguments(
                directory,
                max_steps=steps,
                save_steps=1,
                logging_strategy="steps",
                logging_steps=1,
                **hf.batch_arguments(4, 2),
                num_generations=2,
                max_completion_length=32,
            )
        ),
        processing_class=tokenizer,
        callbacks=[hf.log_callback(questions, {"loss": "loss"})],
    )
    try:
        hf.fit(trainer, directory, "grpo")
    except StageError as error:
        return str(error)
    return [figures["step"] for figures in questions.figures]
