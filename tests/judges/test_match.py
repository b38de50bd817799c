from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.answers.choices import CHOICES
from saysel.judges.match import MatchJudge
from saysel.testing import question


@pytest.mark.parametrize(
    ("accepted", "answer", "correct"),
    [
        *(
            (("Paris",), "Paris", 1.0),
            (("Paris",), " paris. ", 1.0),
            (("Paris",), "The Paris!", 1.0),
        ),
        *(
            (("Café",), "cafe", 1.0),
            (("USA",), "ＵＳＡ", 1.0),
            (("1,000",), "1000", 1.0),
            (("USA", "United States"), "usa", 1.0),
        ),
        *((("Paris",), "Rome", 0.0), (("Paris",), "Rome, not Paris", 0.0), (("Paris",), "", 0.0)),
        *((("3.5",), "35", 0.0), (("1000",), "1", 0.0), (("a",), "the", 0.0), (("?",), "!", 0.0)),
        *((("C",), "C++", 0.0), (("the",), "The", 1.0)),
        *((("A",), "A.", 1.0), (("A",), "(A)", 1.0), (("A",), "**A**", 1.0), (("A",), "B.", 0.0)),
    ],
)
def test_right_and_wrong(accepted: tuple[str, ...], answer: str, correct: float) -> None:
    assert MatchJudge().judge([(question(answers=accepted), answer)]) == [correct]


def test_items_are_judged_in_order() -> None:
    assert MatchJudge().judge([(question(), answer) for answer in ("Rome", "Paris")]) == [0.0, 1.0]


@given(st.text(max_size=20).filter(str.strip))
def test_an_answer_is_right_by_its_own_words(text: str) -> None:
    assert MatchJudge().judge([(question(answers=(text,)), text)]) == [1.0]


@given(st.lists(st.text(max_size=12), min_size=1, max_size=4), st.text(max_size=12))
def test_more_aliases_never_make_an_answer_wrong(accepted: list[str], answer: str) -> None:
    (one,) = MatchJudge().judge([(question(answers=tuple(accepted)), answer)])
    (more,) = MatchJudge().judge([(question(answers=(*accepted, "Zanzibar")), answer)])

    # Unless all that was accepted was true or false, which is read in another way.
    assert more or not one or all(a.strip().casefold() in CHOICES for a in accepted)
