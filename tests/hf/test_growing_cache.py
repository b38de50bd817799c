from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers.cache_utils import DynamicCache, DynamicLayer

from saysel.hf.growing_cache import reserve
from tests.hf.test_hidden_states import ARCHITECTURES, batch, tiny_model


def read(model: Any, ids: torch.Tensor, mask: torch.Tensor, cache: Any = None) -> Any:
    """The output for the last tokens of some texts, the rest of which the cache has."""
    positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
    with torch.inference_mode():
        return model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
        )


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_cache_with_room_continues_like_one_without(
    architecture: str, dtype: torch.dtype
) -> None:
    model = tiny_model(architecture, **ARCHITECTURES[architecture]).to(dtype)
    ids, mask = batch()
    logits: dict[int, list[torch.Tensor]] = {}
    for room in (0, 2, 9):
        text, seen = ids, mask
        cache = read(model, text, seen).past_key_values
        reserve(cache, room)
        for step in range(4):
            if step == 2:  # the first row is finished
                text, seen = text[1:], seen[1:]
                cache.batch_select_indices(torch.tensor([1, 2]))
                reserve(cache, room)
            new = torch.full((len(text), 1 + step % 2), 7 + step)
            text = torch.cat([text, new], 1)
            seen = torch.cat([seen, torch.ones_like(new)], 1)
            out = read(model, new, seen, cache)
            logits.setdefault(room, []).append(out.logits)

    for room in (2, 9):
        for found, expected in zip(logits[room], logits[0], strict=True):
            assert torch.equal(found, expected)


def cache_of(*layers: DynamicLayer) -> DynamicCache:
    cache = DynamicCache()
    cache.layers = list(layers)
    return cache


def layer(rows: int) -> DynamicLayer:
    found = DynamicLayer()
    found.update(torch.randn(rows, 2, 5, 4), torch.randn(rows, 2, 5, 4))
    return found


def test_room_is_filled_before_anything_is_copied() -> None:
    cache = cache_of(layer(3))
    reserve(cache, 2)
    (grown,) = cache.layers
    start = grown.keys.data_ptr()
    token = torch.ones(3, 2, 1, 4)

    lengths, moved = [], []
    for _ in range(4):
        keys, values = grown.update(token, 2 * token)
        assert (keys[:, :, -1] == 1).all() and (values[:, :, -1] == 2).all()
        lengths.append(keys.shape[2])
        moved.append(keys.data_ptr() != start)

    assert lengths == [6, 7, 8, 9]
    assert moved == [False, False, True, True]


def test_rows_can_be_repeated_and_removed() -> None:
    cache = cache_of(layer(2))
    keys = cache.layers[0].keys.clone()
    reserve(cache, 3)

    cache.batch_repeat_interleave(2)
    repeated, _ = cache.layers[0].update(torch.ones(4, 2, 1, 4), torch.ones(4, 2, 1, 4))
    assert torch.equal(repeated[:, :, :5], keys.repeat_interleave(2, 0))
    cache.batch_select_indices(torch.tensor([3]))
    assert torch.equal(cache.layers[0].keys[:, :, :5], keys[1:])


def test_an_empty_layer_is_left_alone() -> None:
    cache = cache_of(DynamicLayer())
    reserve(cache, 3)

    assert type(cache.layers[0]) is DynamicLayer
