"""Small steps change half-precision weights, and the model keeps its dtype."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from saysel import hf
from saysel.errors import DataError, RecipeError
from saysel.hf import master_weights
from saysel.hf.grpo import grpo_config
from saysel.interfaces import Trainer
from saysel.plan.plan import plan
from saysel.recipes.recipe import Recipe
from saysel.records import Example, ModelRef
from saysel.testing import Data
from saysel.trainers.grpo import GRPOTrainer
from saysel.trainers.lora import Lora, learning_rate
from saysel.trainers.ppo.trainer import PPOTrainer
from saysel.trainers.sft import SFTTrainer
from tests.trainers.two_arms import FORMAT, weights

#: One more than the 20 steps after which a checkpoint is looked at.
STEPS = 21
ALL_WEIGHTS: dict[str, Any] = {"lora": None, "learning_rate": 1e-5}
SAMPLED: dict[str, Any] = {
    "steps": STEPS,
    "batch_size": 8,
    "max_tokens": 12,
    "checkpoint_every": 20,
}
TRAINERS: dict[str, Trainer] = {
    "sft": SFTTrainer(**ALL_WEIGHTS, max_steps=STEPS, batch_size=8, warmup=0),
    "ppo": PPOTrainer(**ALL_WEIGHTS, **SAMPLED, mini_batch_size=8, epochs=1),
    "grpo": GRPOTrainer(**ALL_WEIGHTS, **SAMPLED, replies=4, temperature=1.0),
}


@pytest.fixture(scope="session")
def half(red: ModelRef, tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """The model in bfloat16, loaded as it is."""
    directory = tmp_path_factory.mktemp("half")
    hf.save(hf.load_model(red).bfloat16(), hf.load_tokenizer(red), directory)
    return ModelRef(str(directory))


@pytest.fixture
def data(two_arms: Data) -> Data:
    """Training data with examples."""
    learned = [
        Example(question.id, tuple(FORMAT.prompt(question)), FORMAT.render("blue", None, 0.3), 0.3)
        for question in two_arms.all_questions
    ]
    return replace(two_arms, all_examples=learned)


def checkpoint(directory: Path) -> dict[str, torch.Tensor]:
    """The weights in the checkpoint after 20 steps."""
    if (directory / "checkpoint-20").is_dir():
        return load_file(directory / "checkpoint-20" / "model.safetensors")
    state = torch.load(directory / "checkpoint.pt", weights_only=True)
    assert state["step"] == 20
    learned: dict[str, torch.Tensor] = state["policy"]["model"]
    return learned


@pytest.mark.parametrize("name", TRAINERS)
def test_twenty_small_steps_change_nearly_all_weights(
    name: str, half: ModelRef, data: Data, tmp_path: Path
) -> None:
    before = {name: value.float() for name, value in weights(half).items()}

    trained = TRAINERS[name].train(half, data, tmp_path)

    after = checkpoint(tmp_path / "checkpoints")
    assert after.keys() == before.keys()
    changed = sum(int((after[name] != before[name]).sum()) for name in before)
    assert changed > 0.95 * sum(value.numel() for value in before.values())
    # What is saved has the dtype that the model came with.
    assert {value.dtype for value in weights(trained).values()} == {torch.bfloat16}
    config = json.loads((Path(trained.path) / "config.json").read_text())
    assert config.get("dtype", config.get("torch_dtype")) == "bfloat16"


def test_an_adapter_is_float32_and_its_base_keeps_its_dtype(half: ModelRef) -> None:
    torch.manual_seed(0)
    model = hf.load_trainable(half, Lora(r=4).config())

    dtypes = {weight.requires_grad: weight.dtype for weight in model.parameters()}
    assert dtypes == {True: torch.float32, False: torch.bfloat16}


def test_master_weights_have_the_same_values_and_go_back(half: ModelRef) -> None:
    model, before = hf.load_trainable(half), hf.load_model(half)
    for master, weight in zip(model.parameters(), before.parameters(), strict=True):
        assert master.dtype == torch.float32
        assert torch.equal(master, weight.float())

    master_weights.to_model_dtype(model)

    for again, weight in zip(model.parameters(), before.parameters(), strict=True):
        assert torch.equal(again, weight)


@pytest.mark.parametrize("to", [torch.bfloat16, torch.float16])
def test_saving_rounds_small_steps_to_the_right_mean(to: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    exact = torch.randn(10_000, generator=generator).to(to).float()
    assert torch.equal(master_weights.round_stochastically(exact, to, generator).float(), exact)

    for step in (2e-5, -1e-4, 3e-4):  # numbers around 0.1 are at least 6e-5 apart
        start = torch.tensor(0.1).to(to).float()
        moved = master_weights.round_stochastically(
            (start + step).repeat(100_000), to, generator
        ).float()
        assert float(moved.mean() - start) == pytest.approx(step, rel=0.1)
        assert len(moved.unique()) == 2


def test_quantized_weights_are_not_trained(half: ModelRef, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is quantized, .* train an adapter \(lora\)"):
        hf.load_trainable(replace(half, quantization="4bit"))
    # A checkpoint that is quantized already says so in its configuration.
    shutil.copytree(half.path, tmp_path, dirs_exist_ok=True)
    config = json.loads((tmp_path / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "awq", "bits": 4}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(DataError, match=r"is quantized, .* train an adapter \(lora\)"):
        hf.load_trainable(ModelRef(str(tmp_path)))


def test_the_default_rate_is_that_of_what_is_trained(red: ModelRef, adapted: ModelRef) -> None:
    rates = [
        learning_rate(chosen, 1e-5, hf.load_trainable(ref, adapter))
        for chosen, ref, adapter in (
            (None, red, None),
            (None, red, Lora(r=4).config()),
            (None, adapted, None),
            (3e-4, red, None),
        )
    ]

    assert rates == pytest.approx([1e-6, 1e-5, 1e-5, 3e-4])


def test_the_kl_term_is_that_of_the_paper_in_every_trl(tmp_path: Path) -> None:
    config = grpo_config(output_dir=str(tmp_path), use_cpu=True, per_device_train_batch_size=8)

    assert getattr(config, "use_bias_correction_kl", False) is False


def test_a_plan_that_trains_quantized_weights_is_refused(half: ModelRef, tmp_path: Path) -> None:
    config = json.loads((Path(half.path) / "config.json").read_text())
    quantized = tmp_path / "quantized"
    quantized.mkdir()
    config["quantization_config"] = {"quant_method": "awq", "bits": 4}
    (quantized / "config.json").write_text(json.dumps(config))
    for model in (
        {"use": "pretrained", "path": half.path, "quantization": "4bit"},
        {"use": "pretrained", "path": str(quantized)},
    ):
        recipe = {"name": "r", "model": model, "source": "witness"}
        recipe["train"] = [{"use": "ppo", "lora": None}]
        with pytest.raises(RecipeError, match=r"train\[0\].lora: 'ppo' without an adapter trains"):
            plan(Recipe.model_validate(recipe))
        # A first phase that adds an adapter leaves it to the second.
        plan(Recipe.model_validate({**recipe, "train": ["sft", "ppo"]}))
    plan(Recipe.model_validate({**recipe, "model": {**model, "adapter": "org/adapter"}}))
