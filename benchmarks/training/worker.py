"""Trains in one way, in turns, see `benchmarks.training.turns`; started by `compare`.

    python -m benchmarks.training.worker NAME SETTINGS

Workers named `saysel` call saysel's trainers; workers named `trl` call TRL's as its documentation
does, on the same tokens, with the same sizes, precision, logging and checkpoints.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.training.settings import (
    EPOCHS,
    FORMAT,
    TEMPERATURE,
    Settings,
    examples,
    questions,
)
from benchmarks.training.trl_workers import trl_grpo, trl_ppo, trl_sft
from benchmarks.training.turns import Turns
from saysel import hf
from saysel.interfaces import Sampler, Trainer
from saysel.testing import Data, Steps


class TurnSteps(Steps):
    """Progress of a saysel trainer, which reports every optimizer step to the turns."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.generated = hf.generated_tokens()

    def advance(self, units: int = 1) -> None:
        self.turns.reply_tokens += hf.generated_tokens() - self.generated
        self.generated = hf.generated_tokens()
        for _ in range(units):
            self.turns.step_ended()


def saysel_sft(settings: Settings, turns: Turns, directory: Path) -> None:
    from saysel.trainers.sft import SFTTrainer

    options = {
        "batch_size": settings.batch,
        "micro_batch_size": settings.micro,
        "max_steps": turns.total,
        "max_length": 512,
    }
    _train(SFTTrainer, options, settings, turns, directory)


def saysel_grpo(settings: Settings, turns: Turns, directory: Path) -> None:
    from saysel.trainers.grpo import GRPOTrainer

    options = {
        "batch_size": settings.batch,
        "micro_batch_size": settings.micro,
        "replies": settings.group,
        "steps": turns.total,
        "temperature": TEMPERATURE,
        "max_tokens": settings.tokens,
        "mask": "response",
    }
    _train(GRPOTrainer, options, settings, turns, directory)


def saysel_ppo(settings: Settings, turns: Turns, directory: Path) -> None:
    from saysel.trainers.ppo.trainer import PPOTrainer

    options = {
        "batch_size": settings.batch,
        "mini_batch_size": settings.micro,
        "epochs": EPOCHS,
        "steps": turns.total,
        "confidence_temperature": TEMPERATURE,
        "max_tokens": settings.tokens,
        "top_k": 0,
        "mask": "response",
    }
    _train(PPOTrainer, options, settings, turns, directory)


def saysel_transformers(settings: Settings, turns: Turns, directory: Path) -> None:
    from saysel.samplers.transformers import TransformersSampler

    _sample(TransformersSampler(max_tokens=settings.tokens), settings, turns)


def saysel_vllm(settings: Settings, turns: Turns, directory: Path) -> None:
    from saysel.samplers.vllm import VLLMSampler

    _sample(VLLMSampler(max_tokens=settings.tokens, max_length=1024), settings, turns)


def _sample(sampler: Sampler, settings: Settings, turns: Turns) -> None:
    """Sample `group` replies to each of several questions in every step."""
    prompts = [FORMAT.prompt(question) for question in questions()]
    count = max(1, settings.batch // settings.group)
    for step in range(turns.total):
        start = step * count % len(prompts)
        part = prompts[start : start + count]
        for replies in sampler.sample(settings.ref, part, settings.group, seed=step):
            turns.reply_tokens += sum(reply.tokens for reply in replies)
        turns.step_ended()


def _train(
    trainer: type[Trainer],
    options: dict[str, Any],
    settings: Settings,
    turns: Turns,
    directory: Path,
) -> None:
    """Train with one of saysel's trainers, without dropout."""
    options["lora"] = {"r": settings.lora, "dropout": 0} if settings.lora else None
    data = Data(
        all_questions=questions(),
        all_examples=examples(),
        format=FORMAT,
        temperature=TEMPERATURE,
        progress=TurnSteps(turns),
    )
    trainer(**{**options, **settings.options}).train(settings.ref, data, directory)


WORKERS: dict[str, Callable[[Settings, Turns, Path], None]] = {
    "saysel sft": saysel_sft,
    "saysel grpo": saysel_grpo,
    "saysel ppo": saysel_ppo,
    "saysel transformers": saysel_transformers,
    "saysel vllm": saysel_vllm,
    "trl sft": trl_sft,
    "trl grpo": trl_grpo,
    "trl ppo": trl_ppo,
}


def main() -> None:
    name, text = sys.argv[1:]
    settings = Settings.from_json(text)
    with tempfile.TemporaryDirectory() as directory:
        WORKERS[name](settings, Turns(settings), Path(directory))


if __name__ == "__main__":
    main()
