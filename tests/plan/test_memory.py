"""The estimate of memory against what autograd keeps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import saysel
from saysel.hf.gradient_checkpointing import checkpoint_layers
from saysel.hf.hidden_states import last_hidden_states
from saysel.plan import memory
from saysel.plan.memory import layer_activations, model_size

#: Architecture, width, width of the MLP, heads, heads of keys.
MODELS = [
    ("llama", 128, 256, 4, 4),
    ("llama", 256, 1024, 8, 2),
    ("qwen3", 512, 1536, 8, 8),
]
TOKENS = 64


def kept_bytes(config: dict[str, object], dtype: torch.dtype, rank: int | None, on: bool) -> float:
    """Bytes per token that the forward pass keeps for the backward pass, without weights."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM

    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config)).to(dtype)
    if rank is not None:
        lora = LoraConfig(r=rank, target_modules="all-linear", task_type="CAUSAL_LM")
        model = get_peft_model(model, lora)
    if on:
        checkpoint_layers(model)
    model.train()
    weights = {weight.untyped_storage()._cdata for weight in model.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        if (key := tensor.untyped_storage()._cdata) not in weights:
            kept[key] = tensor
        return tensor

    ids = torch.ones(1, TOKENS, dtype=torch.long)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        last_hidden_states(model, ids, torch.ones_like(ids))
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values()) / TOKENS


# PEFT reads an attribute that new versions of transformers deprecate.
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.parametrize(("architecture", "width", "mlp", "heads", "keys"), MODELS)
@pytest.mark.parametrize(
    ("dtype", "rank"), [(torch.float32, None), (torch.float32, 8), (torch.bfloat16, 8)]
)
def test_a_layer_keeps_what_is_estimated(
    architecture: str,
    width: int,
    mlp: int,
    heads: int,
    keys: int,
    dtype: torch.dtype,
    rank: int | None,
) -> None:
    config = {
        "model_type": architecture,
        "hidden_size": width,
        "intermediate_size": mlp,
        "num_attention_heads": heads,
        "num_key_value_heads": keys,
        "head_dim": width // heads,
        "vocab_size": 100,
    }
    size = model_size({**config, "num_hidden_layers": 1}, str(dtype).removeprefix("torch."))
    assert size is not None

    one, three = (
        kept_bytes({**config, "num_hidden_layers": layers}, dtype, rank, False) for layers in (1, 3)
    )
    assert (three - one) / 2 == pytest.approx(layer_activations(size, rank), rel=0.01)
    one, three = (
        kept_bytes({**config, "num_hidden_layers": layers}, dtype, rank, True) for layers in (1, 3)
    )
    assert (three - one) / 2 == pytest.approx(dtype.itemsize * width, rel=0.01)


LARGE = {
    "model_type": "qwen3",
    "hidden_size": 4096,
    "num_hidden_layers": 36,
    "intermediate_size": 12288,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151936,
    "dtype": "bfloat16",
}


def lines(tmp_path: Path, train: list[object], **model: object) -> tuple[str, ...]:
    """What `check` says about the memory of training a model."""
    from saysel.plan.plan import plan
    from saysel.recipes.recipe import Recipe

    (tmp_path / "config.json").write_text(json.dumps(LARGE))
    model = {"use": "pretrained", "path": str(tmp_path), **model}
    recipe = {"name": "large", "source": "witness", "model": model, "train": train}
    return tuple(memory.memory_lines(plan(Recipe.model_validate(recipe))))


def test_a_phase_that_does_not_fit_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "device_memory", lambda: ("GPU", 24e9))

    sft, ppo, all_weights = lines(
        tmp_path, ["sft", "ppo", {"use": "grpo", "lora": None, "micro_batch_size": 1}]
    )

    assert sft.startswith("train-sft: about ") and "this machine has 24 GB" in sft
    assert "weights 16.4, trained weights 2.8" in ppo
    # The adapter of the first phase is trained on.
    assert "trained weights 2.8" in all_weights


def test_training_all_weights_holds_sixteen_bytes_each_and_the_reference(tmp_path: Path) -> None:
    (line,) = lines(tmp_path, [{"use": "ppo", "lora": None}])

    assert "(weights 32.8, trained weights 131.0" in line  # 8.19 billion weights


def test_the_model_of_a_hub_that_was_not_downloaded_is_unknown(tmp_path: Path) -> None:
    assert lines(tmp_path, ["sft"], path="org/name") == (
        "train-sft: memory unknown, the model's config.json is not on this machine",
    )


def test_a_small_model_is_not_mentioned() -> None:
    assert saysel.check("quickstart").memory == ()
