from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from saysel import hf
from saysel.hf import single_token_attention
from saysel.records import ModelRef
from tests.hf.test_hidden_states import ARCHITECTURES, batch, tiny_model

HALF = (torch.bfloat16, torch.float16)


def masks(rows: int, tokens: int) -> dict[str, torch.Tensor | None]:
    """No mask, which tokens are seen (always the last), and the same as a sum with the scores."""
    seen = torch.rand(rows, 1, 1, tokens) > 0.4
    seen[..., -1] = True
    added = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.bfloat16).min)
    return {"none": None, "seen": seen, "added": added, "longer": torch.cat([seen, seen], -1)}


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize(("heads", "groups"), [(4, 4), (6, 2), (3, 1)])
@pytest.mark.parametrize("scaling", [None, 0.3])
def test_it_is_attention(
    dtype: torch.dtype, heads: int, groups: int, scaling: float | None
) -> None:
    torch.manual_seed(0)
    query = torch.randn(5, heads, 1, 8, dtype=dtype)
    key, value = torch.randn(2, 5, groups, 11, 8, dtype=dtype)
    for name, mask in masks(5, 11).items():
        with torch.no_grad():
            found, _ = single_token_attention.attend(None, query, key, value, mask, scaling=scaling)

        expected = torch.nn.functional.scaled_dot_product_attention(
            query.float(),
            key.float().repeat_interleave(heads // groups, 1),
            value.float().repeat_interleave(heads // groups, 1),
            attn_mask=None if mask is None else mask[..., :11],
            scale=scaling,
        )
        assert found.dtype == dtype
        torch.testing.assert_close(
            found.float(), expected.transpose(1, 2), atol=0.02, rtol=0.02, msg=name
        )


def test_room_after_the_keys_is_not_attended_to() -> None:
    query = torch.randn(2, 4, 1, 8, dtype=torch.bfloat16)
    key, value = torch.randn(2, 2, 2, 9, 8, dtype=torch.bfloat16)
    with torch.no_grad():
        for seen in (1, 6, 9):
            inside, expected = (
                single_token_attention.attend(None, query, keys, values, None)[0]
                for keys, values in (
                    (key[:, :, :seen], value[:, :, :seen]),
                    (key[:, :, :seen].clone(), value[:, :, :seen].clone()),
                )
            )
            torch.testing.assert_close(inside, expected, atol=0.01, rtol=0.01)


def test_keys_at_the_end_of_larger_ones_have_no_room() -> None:
    query = torch.randn(2, 4, 1, 8, dtype=torch.bfloat16)
    key, value = torch.randn(2, 2, 2, 9, 8, dtype=torch.bfloat16)[..., 5:, :]
    with torch.no_grad():
        found, _ = single_token_attention.attend(None, query, key, value, None)
        expected, _ = single_token_attention.attend(None, query, key.clone(), value.clone(), None)

    torch.testing.assert_close(found, expected, atol=0.01, rtol=0.01)


def next_logits(model: Any, token: int) -> torch.Tensor:
    """The logits after a text and, with its cache, after one more token, [B, V]."""
    ids, mask = batch()
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    with torch.inference_mode():
        out = model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=True)
        logits = model(
            input_ids=torch.full((3, 1), token),
            attention_mask=torch.nn.functional.pad(mask, (0, 1), value=1),
            position_ids=positions[:, -1:] + 1,
            past_key_values=out.past_key_values,
        ).logits
    return logits[:, -1].float()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_model_computes_the_same(architecture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model(architecture, **ARCHITECTURES[architecture]).to(torch.bfloat16)
    own = next_logits(model, 7)

    single_token_attention.use_in(model)
    assert model.config._attn_implementation == single_token_attention.NAME
    found = next_logits(model, 7)

    spread = float(own.std())
    assert float((found - own).abs().max()) < 0.05 * spread
    # What the model computes for the token comes from this attention.
    monkeypatch.setattr(torch.Tensor, "softmax", lambda scores, _: torch.zeros_like(scores))
    assert float((next_logits(model, 7) - own).abs().max()) > 0.2 * spread


def test_a_window_is_kept() -> None:
    model = tiny_model("mistral", sliding_window=4).to(torch.bfloat16)
    own = next_logits(model, 7)
    single_token_attention.use_in(model)

    assert float((next_logits(model, 7) - own).abs().max()) < 0.05 * float(own.std())


def test_a_model_that_is_loaded_for_another_device_keeps_its_attention(
    small_model: ModelRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("saysel.hf.loading.device", lambda: "meta")
    monkeypatch.setattr("saysel.hf.model_faults.check_weights", lambda *_: None)  # there are none

    model = hf.load_model(ModelRef(small_model.path, dtype="bfloat16"))

    assert model.device.type == "meta"
    assert model.config._attn_implementation == "sdpa"


def test_other_precisions_and_attentions_are_left_alone() -> None:
    model = tiny_model("llama")
    single_token_attention.use_in(model)
    assert model.config._attn_implementation == "sdpa"
    model.set_attn_implementation("eager")
    single_token_attention.use_in(model.to(torch.bfloat16))
    assert model.config._attn_implementation == "eager"


def test_loaded_models_use_it_and_saved_ones_do_not_name_it(
    small_model: ModelRef, tmp_path: Path
) -> None:
    model = hf.load_model(ModelRef(small_model.path, dtype="bfloat16"))
    assert model.config._attn_implementation == single_token_attention.NAME
    model.save_pretrained(tmp_path)

    assert single_token_attention.NAME not in json.dumps(model.config.to_dict())
    assert single_token_attention.NAME not in (tmp_path / "config.json").read_text()
    for other in ({}, {"dtype": "bfloat16", "attention": "sdpa"}):
        again = hf.load_model(ModelRef(small_model.path, **other))
        assert again.config._attn_implementation == "sdpa"
