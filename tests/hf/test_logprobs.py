from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from saysel import hf
from saysel.hf.logprobs import next_token_logprobs, reply_logprobs
from saysel.hf.shared_prefix import MIN_TOKENS
from saysel.records import ModelRef
from tests.hf.test_generation import ARCHITECTURES, random_model

PREFIX = [30 + position % 7 for position in range(MIN_TOKENS + 6)]
ENDS = [[5, 6, 7], [8], [8], [8], [20, 21, 22, 23]]
#: The third begins like the second, and the fourth is empty.
REPLIES = [[40, 41, 42], [43, 44, 45], [43, 46], [], [47]]
LONG_PROMPTS = [PREFIX + end for end in ENDS]


@pytest.fixture(scope="module")
def tokenizer(small_model: ModelRef) -> Any:
    return hf.load_tokenizer(small_model)


@pytest.fixture(scope="module")
def llama() -> Any:
    return random_model("llama")


def following(model: Any, text: list[int]) -> torch.Tensor:
    """Log-probabilities of what follows each token of a text, by one plain forward pass, [L, V]."""
    with torch.inference_mode():
        logits: torch.Tensor = model(torch.tensor([text])).logits[0]
    return logits.log_softmax(-1)


def tokens_read(model: Any, compute: Callable[[], Any]) -> int:
    """How many tokens, padding included, a model reads in a computation.

    The placeholders for which it computes logits of given states do not pass its first layer.
    """
    shapes: list[torch.Size] = []
    hook = model.model.layers[0].register_forward_hook(
        lambda _module, _inputs, output: shapes.append(
            (output[0] if isinstance(output, tuple) else output).shape
        )
    )
    compute()
    hook.remove()
    return sum(shape[:-1].numel() for shape in shapes)


@pytest.mark.parametrize("prompts", [LONG_PROMPTS, ENDS], ids=["shared", "short"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_logprobs_are_those_of_a_plain_forward_pass(
    architecture: str, prompts: list[list[int]], tokenizer: Any
) -> None:
    model = random_model(architecture)

    found = reply_logprobs(model, tokenizer, prompts, REPLIES)

    for prompt, reply, logprobs in zip(prompts, REPLIES, found, strict=True):
        scores = following(model, [*prompt, *reply])[len(prompt) - 1 : -1]
        expected = scores[range(len(reply)), reply].tolist()
        assert logprobs == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_the_next_tokens_are_those_of_a_plain_forward_pass(
    architecture: str, tokenizer: Any
) -> None:
    model = random_model(architecture)

    found = next_token_logprobs(model, tokenizer, LONG_PROMPTS)

    for prompt, logprobs in zip(LONG_PROMPTS, found, strict=True):
        torch.testing.assert_close(logprobs, following(model, prompt)[-1], rtol=0, atol=1e-4)


def test_nothing_is_read_twice(llama: Any, tokenizer: Any) -> None:
    def read(prompts: list[list[int]], replies: list[list[int]]) -> int:
        return tokens_read(llama, lambda: reply_logprobs(llama, tokenizer, prompts, replies))

    # The prefix, then three rests of up to five tokens: two prompts with all but the last token of
    # their reply, and [20, 21, 22, 23]. The third text begins another, the fourth is not read.
    assert read(LONG_PROMPTS, REPLIES) == len(PREFIX) + 3 * 5
    # Two words after the same prompt are both predicted from it.
    assert read(ENDS[:1] * 2, [[40], [41]]) == 3
    # One reply is the beginning of the other.
    assert read(ENDS[:1] * 2, [[40, 41], [40, 41, 42]]) == 5


def test_logits_are_computed_in_chunks(
    llama: Any, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = reply_logprobs(llama, tokenizer, LONG_PROMPTS, REPLIES)
    widths: list[int] = []
    hook = llama.lm_head.register_forward_hook(
        lambda _module, _inputs, output: widths.append(output.shape[:-1].numel())
    )
    monkeypatch.setattr("saysel.hf.hidden_states.LOGITS_PER_CHUNK", 2 * 400)

    chunked = reply_logprobs(llama, tokenizer, LONG_PROMPTS, REPLIES)

    hook.remove()
    # One position each of the prefix and of three texts, then two of nine tokens at a time.
    assert widths == [1, 3, 2, 2, 2, 2, 1]
    for logprobs, expected in zip(chunked, whole, strict=True):
        assert logprobs == pytest.approx(expected, abs=1e-6)


def test_a_model_without_a_cache_to_copy_reads_all_texts(
    llama: Any, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = reply_logprobs(llama, tokenizer, LONG_PROMPTS, REPLIES)
    monkeypatch.setattr("saysel.hf.shared_prefix.can_be_copied", lambda cache: False)

    alone = reply_logprobs(llama, tokenizer, LONG_PROMPTS, REPLIES)

    for logprobs, expected in zip(alone, shared, strict=True):
        assert logprobs == pytest.approx(expected, abs=1e-4)
