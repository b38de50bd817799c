"""No reply takes long to read: a stored one would stop its run again and again."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.replies.hostile import BEGINNINGS, PIECES, READERS

#: Length of a hostile reply, in characters. A pattern of quadratic time takes minutes for it.
LENGTH = 40_000
#: Far more than the tenth of a second that a reader takes, on a busy machine.
SECONDS = 3


def check(reader: str, text: str) -> None:
    start = time.thread_time()
    READERS[reader](text)
    assert time.thread_time() - start < SECONDS, text[:80]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("piece", PIECES)
def test_repeated_pieces_are_read_at_once(reader: str, piece: str) -> None:
    check(reader, piece * (LENGTH // len(piece)))


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=30)
@given(
    beginning=st.sampled_from(BEGINNINGS),
    pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map("".join),
    end=st.sampled_from(["", "x", ":", "Confidence: 9", "</think>", "</answer>"]),
)
def test_so_are_combinations_of_them(reader: str, beginning: str, pieces: str, end: str) -> None:
    check(reader, beginning + pieces * (LENGTH // len(pieces)) + end)


@pytest.mark.parametrize("reader", READERS)
def test_a_number_of_any_length_is_no_confidence(reader: str) -> None:
    for number in ("9" * 5_000, "0." + "9" * 5_000, "9" * 310 + ".5", "1e" + "9" * 400):
        for around in ("Answer: x\nConfidence: {}", "<confidence>{}</confidence>", "P1: {}", "{}"):
            READERS[reader](around.format(number))
