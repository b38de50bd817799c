from __future__ import annotations

import numpy as np
import pytest
import torch

from saysel import hf
from saysel.hf.layer_states import prompt_states, reply_states
from saysel.hf.shared_prefix import MIN_TOKENS
from saysel.interfaces import Prompt
from saysel.records import ModelRef
from tests.hf.test_generation import random_model

#: Longer than `MIN_TOKENS`, so that the prompts share their beginning.
LONG = "the barn " * 20
PROMPTS: list[Prompt] = [
    [{"role": "user", "content": f"{LONG}{content}"}] for content in ("Why?", "Where is it?", "So")
]
REPLIES = ["Answer: the barn", "Answer: the attic, or the cellar", "So"]


@pytest.fixture(scope="module")
def two_layers(small_model: ModelRef, tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    place = tmp_path_factory.mktemp("two-layers")
    hf.save(random_model("llama"), hf.load_tokenizer(small_model), place)
    return ModelRef(str(place), dtype="float32")


def expected(ref: ModelRef, texts: list[list[int]], layer: int) -> list[np.ndarray]:
    """The states at the last token of each text, read on its own."""
    model = hf.load_model(ref)
    with torch.inference_mode():
        return [
            model(torch.tensor([text]), output_hidden_states=True).hidden_states[layer][0, -1]
            for text in texts
        ]


@pytest.mark.parametrize("size", [1, 2**13])
@pytest.mark.parametrize(("share", "layer"), [(0.01, 1), (0.5, 1), (1.0, 2)])
def test_states_are_those_of_a_plain_forward_pass(
    share: float, layer: int, size: int, two_layers: ModelRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("saysel.hf.layer_states.TOKENS_PER_BATCH", size)
    tokenizer = hf.load_tokenizer(two_layers)
    prompts = hf.encode(tokenizer, PROMPTS)
    replies = hf.encode_replies(tokenizer, REPLIES)
    assert min(map(len, prompts)) > MIN_TOKENS

    asked = prompt_states(two_layers, PROMPTS, share)
    answered = reply_states(two_layers, PROMPTS, REPLIES, share)

    texts = [prompt + reply[:-1] for prompt, reply in zip(prompts, replies, strict=True)]
    for found, states in (
        (asked, expected(two_layers, prompts, layer)),
        (answered, expected(two_layers, texts, layer)),
    ):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, np.stack(states), atol=1e-4)


def test_no_texts_have_no_states(small_model: ModelRef) -> None:
    width = hf.load_model(small_model).config.hidden_size

    assert prompt_states(small_model, [], 1.0).shape == (0, width)
