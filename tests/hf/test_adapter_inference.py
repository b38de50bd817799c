from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch.profiler import ProfilerActivity, profile

from saysel import hf
from saysel.hf import generation
from saysel.hf.adapter_inference import short_adapters
from saysel.hf.decoding import Decoding
from saysel.records import ModelRef
from tests.hf.test_hidden_states import ARCHITECTURES, batch, tiny_model

#: PEFT reads an old name of transformers.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated")

PROMPTS = [[5, 6, 7], [8], [9, 10, 11, 12]]


def config(**options: Any) -> LoraConfig:
    return LoraConfig(
        r=4, lora_alpha=12, target_modules="all-linear", task_type="CAUSAL_LM", **options
    )


def adapted(architecture: str, dtype: torch.dtype = torch.float32, **options: Any) -> PeftModel:
    """A tiny model with an adapter in float32 that changes its output."""
    model = tiny_model(architecture, **ARCHITECTURES[architecture]).to(dtype)
    return filled(
        get_peft_model(model, config(fan_in_fan_out=architecture == "gpt2", **options)).eval()
    )


def filled(model: PeftModel) -> PeftModel:
    """The model, after its adapters were given weights other than zero."""
    torch.manual_seed(1)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.2)
    return model


def replaced(model: PeftModel) -> list[str]:
    """The names of the layers with another forward pass than PEFT's."""
    return [name for name, module in model.named_modules() if "forward" in vars(module)]


def hidden_states(model: PeftModel, within: AbstractContextManager[None]) -> torch.Tensor:
    """The last hidden states of a batch, [B, T, D]."""
    ids, mask = batch()
    with torch.inference_mode(), within:
        out = model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
    states: torch.Tensor = out.hidden_states[-1][mask > 0].float()
    return states


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "qwen3"])
def test_states_are_pefts_to_rounding(architecture: str) -> None:
    model = adapted(architecture)
    expected = hidden_states(model, nullcontext())
    found = hidden_states(model, short_adapters(model))

    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    with model.disable_adapter():
        assert not torch.allclose(hidden_states(model, nullcontext()), expected, atol=0.1)


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
@pytest.mark.parametrize("autocast", [False, True])
def test_half_precision_is_as_exact_as_pefts(architecture: str, autocast: bool) -> None:
    exact = hidden_states(adapted(architecture), nullcontext())
    model = adapted(architecture, torch.bfloat16)
    assert model.dtype == torch.bfloat16

    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        own = hidden_states(model, nullcontext())
        found = hidden_states(model, short_adapters(model))

    assert float((found - exact).std()) < 1.1 * float((own - exact).std())


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "qwen3"])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_replies_are_those_of_pefts_layers(
    architecture: str,
    temperature: float,
    small_model: ModelRef,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, tokenizer = adapted(architecture), hf.load_tokenizer(small_model)
    decoding = Decoding(temperature=temperature, max_tokens=8)

    def replies() -> list[generation.Reply]:
        draws = torch.Generator().manual_seed(5)
        groups = generation.generate(model, tokenizer, PROMPTS, 2, decoding, draws, {1})
        return [reply for group in groups for reply in group]

    found = replies()
    assert replaced(model) == []
    monkeypatch.setattr(generation, "short_adapters", lambda _: nullcontext())
    expected = replies()

    assert [reply.tokens for reply in found] == [reply.tokens for reply in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.token_logprobs == pytest.approx(other.token_logprobs, abs=1e-4)


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_layers_are_restored(error: type[BaseException] | None) -> None:
    model = adapted("llama")
    with pytest.raises(error) if error else nullcontext(), short_adapters(model):
        assert len(replaced(model)) == 14
        with short_adapters(model):
            assert len(replaced(model)) == 14
        assert len(replaced(model)) == 14  # the inner block leaves what it found
        if error:
            raise error
    assert replaced(model) == []


def test_changed_weights_are_used_next_time() -> None:
    model = adapted("llama")
    hidden_states(model, short_adapters(model))
    for name, weight in model.named_parameters():
        if "lora_A" in name:
            weight.data *= -2

    found = hidden_states(model, short_adapters(model))
    torch.testing.assert_close(found, hidden_states(model, nullcontext()), atol=1e-4, rtol=1e-4)


def several() -> PeftModel:
    model = adapted("llama")
    model.add_adapter("second", config())
    model.base_model.set_adapter(["default", "second"])
    return filled(model)


def merged() -> PeftModel:
    model = adapted("llama")
    model.merge_adapter()
    return model


def dropping() -> PeftModel:
    return adapted("llama", lora_dropout=0.5).train()


def disabled() -> PeftModel:
    model = adapted("llama")
    model.base_model.disable_adapter_layers()
    return model


@pytest.mark.parametrize(
    "model",
    [
        several,
        merged,
        dropping,
        disabled,
        lambda: adapted("llama", use_dora=True),
        lambda: tiny_model("llama"),
    ],
    ids=["several", "merged", "dropout", "disabled", "dora", "no-adapter"],
)
def test_other_layers_are_left_alone(model: Any) -> None:
    built = model()
    with short_adapters(built):
        assert replaced(built) == []


def test_one_of_two_adapters_is_active() -> None:
    model = adapted("llama")
    model.add_adapter("second", config())
    filled(model).set_adapter("second")

    found = hidden_states(model, short_adapters(model))
    torch.testing.assert_close(found, hidden_states(model, nullcontext()), atol=1e-4, rtol=1e-4)


def operations(model: PeftModel, within: AbstractContextManager[None]) -> int:
    """The number of operations of torch in one forward pass of one token."""
    with torch.inference_mode(), within, profile(activities=[ProfilerActivity.CPU]) as profiled:
        model(input_ids=torch.tensor([[5]]))
    return sum(event.count for event in profiled.key_averages() if event.key.startswith("aten::"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_an_adapter_takes_fewer_operations(dtype: torch.dtype) -> None:
    model = adapted("llama", dtype)
    own = operations(model, nullcontext())
    found = operations(model, short_adapters(model))
    with model.disable_adapter():
        without = operations(model, nullcontext())

    assert found - without < 0.65 * (own - without)
