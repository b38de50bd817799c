from __future__ import annotations

import pytest

from saysel.errors import DataError
from saysel.records import Question
from saysel.sources.triviaqa import TriviaQASource
from tests.sources.conftest import Write, release

ALIASES = ["Lake Orrin (disambiguation)", "Lake Orrin", "Orrin (lake)", "Orrin"]


def test_the_schema_of_rlcr(write: Write) -> None:
    asked = '"Which lake is called ""the mirror""?"'
    path = write("x.json", [{"question": asked, "answers": ALIASES}])
    ((question, _),) = TriviaQASource(path=path).candidates("train")

    assert question == Question(
        "triviaqa-1", 'Which lake is called "the mirror"?', ("Lake Orrin", "Orrin")
    )


def test_the_official_schema_and_the_hub(write: Write) -> None:
    official = {
        "Question": "Which lake?",
        "QuestionId": "tc_7",
        "Answer": {"Value": "Orrin", "Aliases": ALIASES, "NormalizedAliases": ["orrin"]},
    }
    hub = {
        "question": "Which lake?",
        "question_id": "tc_7",
        "answer": {"value": "Orrin", "aliases": ALIASES, "normalized_aliases": ["orrin"]},
    }
    for name, row in (("x.json", official), ("x.parquet", hub)):
        ((question, _),) = TriviaQASource(path=write(name, [row])).candidates("train")
        assert question == Question("triviaqa-1", "Which lake?", ("Orrin", "Lake Orrin"))


def test_no_answer_is_refused(write: Write) -> None:
    path = write("x.json", [{"question": "Which lake?", "answers": []}])
    with pytest.raises(DataError, match="entry 1: the question has no answer"):
        list(TriviaQASource(path=path).questions("train"))


def test_the_release() -> None:
    rows, path = release("triviaqa_test.json")
    found = [q for q, _ in TriviaQASource(path=path).candidates("train")]

    assert len(rows) == 2000
    assert len(found) == len({" ".join(r["question"].casefold().split()) for r in rows}) == 1696
    assert not any("disambiguation" in answer for q in found for answer in q.answers)
    assert not any('""' in q.prompt for q in found)
