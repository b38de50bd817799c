from __future__ import annotations

import pytest

from saysel.errors import DataError
from saysel.sources.abstention_bench import AbstentionBenchSource
from tests.sources.conftest import Write

ROWS = [
    {
        "question": "Who dug the lake?",
        "reference_answers": ["Ann", "Anna"],
        "should_abstain": False,
    },
    {"question": "Who will dig it?", "reference_answers": None, "should_abstain": True},
    {"question": "Is it nice?", "reference_answers": None, "should_abstain": False},
]


@pytest.mark.parametrize("name", ["x.jsonl", "x.parquet", "x.json"])
def test_questions_with_and_without_an_answer(name: str, write: Write) -> None:
    source = AbstentionBenchSource(path=write(name, ROWS))

    answerable, unanswerable = [question for question, _ in source.candidates("train")]

    assert (answerable.id, answerable.answers) == ("abstention-1", ("Ann", "Anna"))
    assert not answerable.unanswerable
    assert (unanswerable.id, unanswerable.prompt) == ("abstention-2", "Who will dig it?")
    assert unanswerable.unanswerable


def test_a_question_of_both_kinds_is_left_out(write: Write) -> None:
    again = {"question": "who dug  the lake?", "reference_answers": None, "should_abstain": True}
    more = {"question": "Who dug the lake?", "reference_answers": ["Bo"], "should_abstain": False}

    source = AbstentionBenchSource(path=write("x.json", [*ROWS, again]))
    assert [question.id for question, _ in source.candidates("train")] == ["abstention-2"]

    source = AbstentionBenchSource(path=write("x.json", [*ROWS, more]))
    assert next(iter(source.candidates("train")))[0].answers == ("Ann", "Anna", "Bo")


def test_it_must_say_whether_to_abstain(write: Write) -> None:
    path = write("x.json", [{"question": "Who?", "reference_answers": ["Ann"]}])

    with pytest.raises(DataError, match="entry 1: the answer must be true or false"):
        list(AbstentionBenchSource(path=path).questions("train"))
