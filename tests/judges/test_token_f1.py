from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.judges.token_f1 import TokenF1Judge
from saysel.testing import question

words = st.lists(st.sampled_from(["red", "the", "fox", "Fox.", "1,000", "ran"]), max_size=6)


@pytest.mark.parametrize(
    ("accepted", "answer", "score"),
    [
        (("the red fox",), "Red fox.", 1.0),
        (("red fox",), "fox", 2 / 3),
        (("red fox",), "a fox ran home", 2 * 1 / (2 + 3)),
        (("red fox", "vixen"), "the vixen", 1.0),
        (("fox fox",), "fox", 2 / 3),
        (("1,000 foxes",), "1000", 2 / 3),
        (("red fox",), "", 0.0),
        (("red fox",), "badger", 0.0),
    ],
)
def test_scores_worked_out_by_hand(accepted: tuple[str, ...], answer: str, score: float) -> None:
    assert TokenF1Judge().judge([(question(answers=accepted), answer)]) == [pytest.approx(score)]


@given(words.map(" ".join).filter(str.strip), words.map(" ".join).filter(str.strip))
def test_it_is_symmetric_and_whole_for_the_same_words(one: str, other: str) -> None:
    def score(said: str, accepted: str) -> float | None:
        return TokenF1Judge().judge([(question(answers=(accepted,)), said)])[0]

    assert score(one, other) == score(other, one)
    assert score(one, one) == 1.0
