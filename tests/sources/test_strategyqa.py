from __future__ import annotations

from collections import Counter

import pytest

from saysel.errors import DataError
from saysel.records import Question
from saysel.sources.strategyqa import StrategyQASource
from tests.sources.conftest import Write, release

WRAPPED = (
    'Answer the following question with "true" or "false".\n'
    "Could a heron use a door key?\n"
    'If the previous statement is true, reply "true".\n'
    'If the previous statement is false, reply "false".'
)


def test_the_schema_of_the_release(write: Write) -> None:
    rows = [{"question": WRAPPED, "answer": "False", "negative_answer": ""}]
    ((question, _),) = StrategyQASource(path=write("x.json", rows)).candidates("train")

    assert question == Question(
        "strategyqa-1",
        "Could a heron use a door key? Answer true or false.",
        ("false",),
        ("true",),
    )


def test_files_and_hub(write: Write) -> None:
    rows = [{"qid": "c0ffee", "term": "Heron", "question": "Do herons wade?", "answer": True}]
    ((question, _),) = StrategyQASource(path=write("x.json", rows)).candidates("train")

    assert (question.id, question.answers) == ("strategyqa-c0ffee", ("true",))
    assert question.prompt == "Do herons wade? Answer true or false."


@pytest.mark.parametrize("answer", ["maybe", None, 1])
def test_another_answer_is_refused(answer: object, write: Write) -> None:
    path = write("x.json", [{"question": "Do herons wade?", "answer": answer}])
    with pytest.raises(DataError, match="entry 1: the answer must be true or false"):
        list(StrategyQASource(path=path).questions("train"))


def test_the_release() -> None:
    rows, path = release("strategyqa.json")
    found = [q for q, _ in StrategyQASource(path=path).candidates("train")]

    assert len(found) == len(rows) == 1603
    assert Counter(q.answers[0] for q in found) == {"false": 865, "true": 738}
    for question, row in zip(found, rows, strict=True):
        assert "\n" not in question.prompt
        asked = question.prompt.removesuffix(" Answer true or false.")
        assert asked == row["question"].splitlines()[1].strip()
