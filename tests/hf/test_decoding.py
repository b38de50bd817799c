"""Where a marker or a text that ends replies is, with tokenizers that write spaces differently."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch

from saysel.hf.decoding import MarkerTracker, StopTracker
from tests.hf.test_confidence_tokens import bytewise

TEXT = "Answer: Paris Your Confidence: 7"


def sentencepiece(bytes_fall_back: bool) -> Any:
    """A tokenizer that writes spaces as SentencePiece does, with the decoder of Gemma or Llama."""
    from tokenizers import Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    pieces = ["▁Answer", ":", "▁Paris", "▁Your", "▁Confidence", "▁7", "Confidence", "▁", "▁a", "7"]
    tokenizer = Tokenizer(WordLevel({p: n for n, p in enumerate(["<end>", *pieces])}, "<end>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(  # type: ignore[assignment]
        [pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation()]
    )
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = (  # type: ignore[assignment]
        decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)])
        if bytes_fall_back
        else decoders.Metaspace()
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>")


TOKENIZERS = {
    "metaspace": lambda: sentencepiece(bytes_fall_back=False),
    "llama": lambda: sentencepiece(bytes_fall_back=True),
    "bytes": bytewise,
    "words": lambda: bytewise("ĠYour", "ĠConfidence", "Ġ7", "Answer", "ĠParis"),
}


@pytest.fixture(params=TOKENIZERS)
def tokenizer(request: pytest.FixtureRequest) -> Any:
    return TOKENIZERS[request.param]()


@pytest.mark.parametrize(
    "marker",
    [
        *("Confidence:", " Confidence:", "Your Confidence:", " Your Confidence:", "Paris Your"),
        *("Confidence: ", "Your Confidence: "),  # the space may be part of the next token
    ],
)
def test_a_marker_with_spaces_is_found_where_the_text_has_it(marker: str, tokenizer: Any) -> None:
    tokens = tokenizer(TEXT, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(tokens) == TEXT
    tracker = MarkerTracker(tokenizer, marker, 2)

    ends = []
    for token in tokens:
        tracker.append(torch.tensor([1]), torch.tensor([token]))
        ends.append(tracker.marker_end[1])

    written = [
        marker.rstrip() in tokenizer.decode(tokens[:size]) for size in range(1, len(tokens) + 1)
    ]
    end = written.index(True) + 1
    assert ends == [end if found else sys.maxsize for found in written]
    assert tracker.marker_end[0] == sys.maxsize


def test_the_marker_of_a_custom_format_ends_before_the_confidence() -> None:
    tokenizer = sentencepiece(bytes_fall_back=False)
    tokens = tokenizer(TEXT)["input_ids"]
    tracker = MarkerTracker(tokenizer, "Your Confidence:", 1)

    tracker.append(torch.zeros(len(tokens), dtype=torch.long), torch.tensor(tokens))

    assert tracker.marker_end == [6]
    assert tokenizer.decode(tokens[6:]) == "7"


@pytest.mark.parametrize("stop", [" Your", "Paris Your", ": 7"])
def test_a_reply_stops_at_a_text_with_spaces(stop: str, tokenizer: Any) -> None:
    tokens = tokenizer(TEXT, add_special_tokens=False)["input_ids"]
    tracker = StopTracker(tokenizer, stop, 1)

    ends = [bool(tracker.append(torch.tensor([0]), torch.tensor([token]))[0]) for token in tokens]

    written = [stop in tokenizer.decode(tokens[:size]) for size in range(1, len(tokens) + 1)]
    assert ends.index(True) == written.index(True)
