from __future__ import annotations

from typing import Any

import pytest
import torch

from saysel.hf.gradient_checkpointing import checkpoint_layers, disable_dropout
from saysel.hf.hidden_states import in_chunks, in_turn, last_hidden_states, logits

#: Architectures, with options that make them scale or cap their logits.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "llama": {},
    "qwen3": {},
    "mistral": {},
    "gemma3_text": {"final_logit_softcapping": 3.0},
    "gpt2": {},
    "granite": {"logits_scaling": 4.0},
    "cohere": {"logit_scale": 0.3},
    "opt": {"ffn_dim": 64, "word_embed_proj_dim": 32},
}


def tiny_model(architecture: str, **options: Any) -> Any:
    """A randomly initialised causal LM with 120 tokens."""
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    config = AutoConfig.for_model(
        architecture,
        vocab_size=120,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=8,
        initializer_range=0.3,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
        **options,
    )
    return AutoModelForCausalLM.from_config(config).eval()


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Three texts of up to nine tokens, padded on the left, and their mask."""
    ids = torch.randint(2, 120, (3, 9), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[0, :3] = 0
    return ids, mask


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_logits_of_hidden_states_are_the_models_own(architecture: str) -> None:
    model = tiny_model(architecture, **ARCHITECTURES[architecture])
    ids, mask = batch()
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    own = model(input_ids=ids, attention_mask=mask, position_ids=positions).logits[mask > 0]

    states = last_hidden_states(model, ids, mask)
    found = logits(model, states[mask > 0])

    assert states.shape == (3, 9, 32)
    torch.testing.assert_close(found, own, rtol=1e-5, atol=1e-5)
    # Some architectures scale or cap logits after the output layer.
    after_output_layer = any("logit" in option for option in ARCHITECTURES[architecture])
    unchanged = torch.allclose(model.get_output_embeddings()(states[mask > 0]), own, atol=1e-2)
    assert unchanged != after_output_layer
    # Afterwards the model computes everything itself again.
    again = model(input_ids=ids, attention_mask=mask, position_ids=positions).logits[mask > 0]
    assert torch.equal(again, own)


def test_padding_that_all_rows_share_is_left_out() -> None:
    model = tiny_model("llama")
    ids, mask = batch()
    wide = torch.nn.functional.pad(ids, (5, 0)), torch.nn.functional.pad(mask, (5, 0))

    states = last_hidden_states(model, *wide)

    assert states.shape == (3, 9, 32)
    torch.testing.assert_close(states, last_hidden_states(model, ids, mask))


def test_chunks_give_the_same_results_and_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    # In double precision, so that rounding hides no difference.
    model = tiny_model("gemma3_text", final_logit_softcapping=3.0).double()
    ids, mask = batch()

    def compute(states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logprobs = logits(model, states).log_softmax(-1)
        return logprobs[:, 5], (logprobs.exp() * logprobs).sum(-1)

    def gradients() -> list[torch.Tensor]:
        model.zero_grad()
        states = last_hidden_states(model, ids, mask)[mask > 0]
        first, second = in_chunks(compute, 120, states)
        assert len(first) == len(second) == int(mask.sum())
        (first.sum() + (second**2).sum()).backward()
        return [first, second, *(weight.grad.clone() for weight in model.parameters())]

    whole = gradients()
    for positions in (1, 5, 24):
        monkeypatch.setattr("saysel.hf.hidden_states.LOGITS_PER_CHUNK", positions * 120)
        for one, other in zip(whole, gradients(), strict=True):
            torch.testing.assert_close(other, one, rtol=1e-9, atol=1e-9)


def test_one_intermediate_result_at_a_time_is_kept() -> None:
    sizes: list[int] = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        sizes.append(tensor.numel())
        return tensor

    inputs = [(torch.ones(10, requires_grad=True),) for _ in range(5)]
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        results = in_turn(
            lambda values: (values[:, None] * torch.ones(10, 100)).exp().sum(), inputs
        )

    assert sum(size == 1000 for size in sizes) <= 2  # of one product and its exponential
    torch.stack(results).sum().backward()
    for (values,) in inputs:
        torch.testing.assert_close(values.grad, torch.full((10,), 100 * torch.e))


def test_checkpointed_layers_without_dropout_compute_the_same_in_training_mode() -> None:
    model = tiny_model("opt", **ARCHITECTURES["opt"], dropout=0.5, attention_dropout=0.5)
    ids, mask = batch()
    calls = [0]
    model.base_model.decoder.layers[0].fc1.register_forward_hook(
        lambda *_: calls.__setitem__(0, calls[0] + 1)
    )
    expected = last_hidden_states(model, ids, mask)

    disable_dropout(model)
    checkpoint_layers(model)
    states = last_hidden_states(model.train(), ids, mask)

    torch.testing.assert_close(states, expected)
    assert model.config.dropout == 0.5
    calls[0] = 0
    states.sum().backward()
    assert calls == [1]  # the backward pass computes the layer again
