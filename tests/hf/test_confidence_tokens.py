from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch

from saysel.errors import StageError
from saysel.formats.sayself import SaySelfFormat
from saysel.hf.confidence_tokens import ConfidenceTokens

TENTHS = [k / 10 for k in range(11)]


def bytewise(*merged: str) -> Any:
    """A tokenizer with a token for every byte, and for each of the given texts."""
    from tokenizers import Tokenizer
    from tokenizers.decoders import ByteLevel as Decoder
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(ByteLevel.alphabet())
    vocabulary = {"<end>": 0} | {piece: number for number, piece in enumerate(alphabet, 1)}
    merges = []
    for text in merged:
        for size in range(2, len(text) + 1):
            if text[:size] not in vocabulary:
                vocabulary[text[:size]] = len(vocabulary)
                merges.append((text[: size - 1], text[size - 1]))
    tokenizer = Tokenizer(BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=False)  # type: ignore[assignment]
    tokenizer.decoder = Decoder()  # type: ignore[assignment]
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>")


def even(tokens: ConfidenceTokens, tokenizer: Any) -> torch.Tensor:
    """The chance of every confidence where all tokens are alike."""
    size = len(tokenizer)
    following = [torch.full((2, size), 1 / size).log() for _ in tokens.branches]
    chances = tokens.logprobs(following).exp()
    assert torch.equal(chances[0], chances[1])
    return chances[0] * size


def test_one_token_each_needs_one_place() -> None:
    tokenizer = bytewise(*(f"Ġ{k}" for k in range(11)))
    tokens = ConfidenceTokens(SaySelfFormat(), tokenizer, {0})

    assert tokens.branches == [()]
    assert tokens.values == TENTHS
    assert even(tokens, tokenizer).tolist() == pytest.approx([1.0] * 11)


def test_one_token_per_digit_branches_after_the_one() -> None:
    # A blank, then a digit; after the 1 comes the end or a 0.
    tokenizer = bytewise()
    blank, one = tokenizer(" 1")["input_ids"]
    tokens = ConfidenceTokens(SaySelfFormat(), tokenizer, {0})

    assert tokens.branches == [(blank,), (blank, one)]
    expected = [1.0] * 11
    expected[1] = expected[10] = 1 / len(tokenizer)
    assert even(tokens, tokenizer).tolist() == pytest.approx(expected)


def test_a_chance_is_the_product_of_its_steps() -> None:
    tokenizer = bytewise()
    tokens = ConfidenceTokens(SaySelfFormat(), tokenizer, {0})
    torch.manual_seed(0)
    root, behind_one = torch.randn(2, 3, len(tokenizer)).log_softmax(-1)

    found = tokens.logprobs([root, behind_one])

    (one,), (zero,) = (tokenizer(digit)["input_ids"] for digit in "10")
    torch.testing.assert_close(found[:, 10], root[:, one] + behind_one[:, zero])
    torch.testing.assert_close(found[:, 1], root[:, one] + behind_one[:, tokenizer.eos_token_id])
    torch.testing.assert_close(found[:, 0], root[:, zero])


def test_whatever_ends_a_reply_tells_one_from_ten() -> None:
    tokenizer = bytewise()
    other = tokenizer("~")["input_ids"][0]  # as chat models end their turn
    tokens = ConfidenceTokens(SaySelfFormat(), tokenizer, {0, other})
    torch.manual_seed(0)
    root, behind_one = torch.randn(2, 3, len(tokenizer)).log_softmax(-1)

    found = tokens.logprobs([root, behind_one])

    (one,) = tokenizer("1")["input_ids"]
    ended = behind_one[:, [0, other]].exp().sum(-1).log()
    torch.testing.assert_close(found[:, 1], root[:, one] + ended)


def test_a_tokenizer_that_joins_marker_and_confidence_is_refused() -> None:
    joining = bytewise(":7")

    class Tight(SaySelfFormat):
        confidences: ClassVar[dict[str, float]] = {str(k): k / 10 for k in range(11)}

    with pytest.raises(StageError, match="merges 'Confidence:' with the confidence"):
        ConfidenceTokens(Tight(), joining, {0})
