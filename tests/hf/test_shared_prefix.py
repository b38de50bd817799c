from __future__ import annotations

from typing import Any

import pytest
import torch

from saysel import hf
from saysel.hf.decoding import Decoding
from saysel.hf.shared_prefix import MIN_TOKENS, shared_prefix
from saysel.records import ModelRef
from tests.hf.test_generation import ARCHITECTURES, GREEDY, PROMPTS, logprob, random_model, replies

PREFIX = [30 + position % 7 for position in range(MIN_TOKENS + 6)]
LONG_PROMPTS = [PREFIX + prompt for prompt in PROMPTS]


@pytest.fixture(scope="module")
def tokenizer(small_model: ModelRef) -> Any:
    return hf.load_tokenizer(small_model)


@pytest.fixture(scope="module")
def llama() -> Any:
    return random_model("llama")


def tokens_read(model: Any, tokenizer: Any, prompts: list[list[int]]) -> int:
    """How many tokens, padding included, the model reads before it writes the first."""
    shapes: list[torch.Size] = []
    hook = model.get_input_embeddings().register_forward_hook(
        lambda _module, inputs, _output: shapes.append(inputs[0].shape)
    )
    replies(model, tokenizer, Decoding(0, max_tokens=1), prompts=prompts)
    hook.remove()
    return sum(shape.numel() for shape in shapes)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_sharing_changes_neither_replies_nor_logprobs(architecture: str, tokenizer: Any) -> None:
    model = random_model(architecture)

    for decoding, n in ((GREEDY, 1), (Decoding(0.7, max_tokens=12, top_k=50), 3)):
        found = replies(model, tokenizer, decoding, n, LONG_PROMPTS)
        for prompt, samples in zip(LONG_PROMPTS, found, strict=True):
            alone = replies(model, tokenizer, GREEDY, 1, [prompt])[0][0]
            assert decoding.temperature or samples[0].tokens == alone.tokens
            for reply in samples:
                assert reply.logprob == pytest.approx(
                    logprob(model, prompt, reply.tokens), abs=1e-4
                )


def test_the_prefix_is_read_once(llama: Any, tokenizer: Any) -> None:
    longest = max(map(len, PROMPTS))

    assert tokens_read(llama, tokenizer, LONG_PROMPTS) == len(PREFIX) + len(PROMPTS) * longest
    short = [prompt[-MIN_TOKENS:] for prompt in LONG_PROMPTS]
    assert tokens_read(llama, tokenizer, short) == len(PROMPTS) * MIN_TOKENS


def test_no_prompt_is_shared_as_a_whole(llama: Any, tokenizer: Any) -> None:
    equal = [PREFIX, PREFIX, PREFIX]
    nested = [PREFIX, [*PREFIX, 5], [*PREFIX, 5, 6]]

    assert shared_prefix(llama, equal, 128) == shared_prefix(llama, nested, 128) == PREFIX[:-1]
    for prompt, (reply,) in zip(nested, replies(llama, tokenizer, GREEDY, 1, nested), strict=True):
        assert reply.logprob == pytest.approx(logprob(llama, prompt, reply.tokens), abs=1e-4)


def test_a_single_prompt_shares_nothing(llama: Any) -> None:
    assert shared_prefix(llama, [PREFIX], 128) == []


@pytest.mark.parametrize(
    ("architecture", "options", "shares"),
    [
        ("mistral", {"sliding_window": 16}, False),
        ("mistral", {"sliding_window": 1000}, True),
        ("gemma3_text", {"sliding_window": 16}, False),
    ],
)
def test_padding_within_an_attention_window_is_avoided(
    architecture: str, options: dict[str, int], shares: bool, tokenizer: Any
) -> None:
    model = random_model(architecture, **options)

    assert bool(shared_prefix(model, LONG_PROMPTS, 96)) is shares
    for prompt, (reply,) in zip(
        LONG_PROMPTS, replies(model, tokenizer, GREEDY, 1, LONG_PROMPTS), strict=True
    ):
        assert reply.logprob == pytest.approx(logprob(model, prompt, reply.tokens), abs=1e-4)
