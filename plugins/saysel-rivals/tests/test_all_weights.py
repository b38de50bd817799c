"""Small steps change the weights of a bfloat16 model, with every trainer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from saysel import hf
from saysel.interfaces import Trainer
from saysel.records import ModelRef, Response
from saysel.testing import Data
from saysel_rivals.conftuner.trainer import TokenizedBrierTrainer
from saysel_rivals.lacie.trainer import DPOTrainer

OPTIONS: dict[str, Any] = {"lora": None, "learning_rate": 1e-5, "max_steps": 21, "warmup": 0}
TRAINERS: dict[str, Trainer] = {
    "dpo": DPOTrainer(**OPTIONS, batch_size=4),
    "tokenized_brier": TokenizedBrierTrainer(**OPTIONS, max_tokens=12, checkpoint_every=20),
}


def checkpoint(directory: Path, model: ModelRef) -> dict[str, torch.Tensor]:
    """The weights in the checkpoint after 20 steps."""
    if (directory / "checkpoint-20").is_dir():
        return load_file(directory / "checkpoint-20" / "model.safetensors")
    names = [name for name, _ in hf.load_model(model).named_parameters()]
    return dict(zip(names, torch.load(directory / "checkpoint.pt")["learned"], strict=True))


@pytest.mark.parametrize("name", TRAINERS)
def test_twenty_small_steps_change_nearly_all_weights(
    name: str, red: ModelRef, two_arms: Data, tmp_path: Path
) -> None:
    half = ModelRef(str(tmp_path / "half"))
    hf.save(hf.load_model(red).bfloat16(), hf.load_tokenizer(red), Path(half.path))
    drawn = [
        Response(question.id, index, f"Answer: red Confidence: {k}", None, 5)
        for question in two_arms.all_questions
        for index, k in enumerate((2, 9))
    ]

    trained = TRAINERS[name].train(half, replace(two_arms, all_responses=drawn), tmp_path)

    before = load_file(Path(half.path) / "model.safetensors")
    after = checkpoint(tmp_path / "checkpoints", half)
    assert after.keys() == before.keys()
    # Embeddings of tokens that do not occur get no gradient.
    layers = [name for name in before if ".layers." in name]
    changed = sum(int((after[name] != before[name].float()).sum()) for name in layers)
    assert changed > 0.95 * sum(before[name].numel() for name in layers)
    saved = load_file(Path(trained.path) / "model.safetensors")
    assert {value.dtype for value in saved.values()} == {torch.bfloat16}
