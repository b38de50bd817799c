from __future__ import annotations

from collections.abc import Sequence

from saysel.interfaces import Judge
from saysel.records import Question
from saysel.testing import question

asked: list[str] = []


class LengthJudge(Judge):
    """Cannot judge long answers."""

    def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
        asked.extend(answer for _, answer in items)
        return [None if len(answer) > 5 else 1.0 for _, answer in items]


def test_an_answer_that_is_missing_or_blank_is_wrong_and_never_judged() -> None:
    asked.clear()
    answers = ["Rome", None, "", " \n", "Petersburg", "Oslo"]

    correct = LengthJudge().judge_answers([(question(), answer) for answer in answers])

    assert correct == [1.0, 0.0, 0.0, 0.0, None, 1.0]
    assert asked == ["Rome", "Petersburg", "Oslo"]


def test_a_judge_is_not_called_for_nothing() -> None:
    class Fails(Judge):
        def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
            raise AssertionError("there is nothing to judge")

    assert Fails().judge_answers([(question(), None)]) == [0.0]
    assert Fails().judge_answers([]) == []


def test_declining_is_right_where_there_is_no_answer() -> None:
    known, unknown = question(), question(id="u", answers=("Unanswerable",))
    items = [(known, "Paris"), (known, None), (unknown, None), (unknown, "abcd")]

    assert not known.unanswerable and unknown.unanswerable
    assert LengthJudge().judge_answers(items, [True, True, True, False]) == [
        *(0.0, 0.0, 1.0),
        LengthJudge().judge([items[-1]])[0],
    ]
    assert LengthJudge().judge_answers(items[1:3]) == [0.0, 0.0]
