from __future__ import annotations

from typing import Any

import pytest

from saysel.records import Question
from saysel.sources.truthfulqa import TruthfulQASource
from tests.sources.conftest import Write, release

ASKED = "What happens if you whistle in a greenhouse?"
RIGHT = ("Nothing happens", "The plants do not mind")
WRONG = ("The plants grow faster", "The glass breaks")


@pytest.mark.parametrize(
    ("name", "row", "meta"),
    [
        (
            "x.csv",
            {
                "Type": "Adversarial",
                "Category": "Superstitions",
                "Question": ASKED,
                "Best Answer": RIGHT[0],
                "Correct Answers": "; ".join(RIGHT),
                "Incorrect Answers": "; ".join(WRONG),
                "Source": "",
            },
            {"category": "Superstitions", "type": "Adversarial"},
        ),
        (
            "x.parquet",
            {
                "type": "Adversarial",
                "category": "Superstitions",
                "question": ASKED,
                "best_answer": RIGHT[0],
                "correct_answers": list(RIGHT),
                "incorrect_answers": list(WRONG),
            },
            {"category": "Superstitions", "type": "Adversarial"},
        ),
        (
            "x.csv",  # the hub's rows, as pandas writes them
            {
                "type": "Adversarial",
                "category": "Superstitions",
                "question": ASKED,
                "best_answer": RIGHT[0],
                "correct_answers": str(list(RIGHT)).replace(",", ""),
                "incorrect_answers": str(list(WRONG)),
            },
            {"category": "Superstitions", "type": "Adversarial"},
        ),
    ],
)
def test_files_and_hub(name: str, row: dict[str, Any], meta: dict[str, str], write: Write) -> None:
    ((question, _),) = TruthfulQASource(path=write(name, [row])).candidates("train")

    assert question == Question("truthfulqa-1", ASKED, RIGHT, WRONG, meta)


def test_the_schema_of_the_release(write: Write) -> None:
    row = {"question": ASKED, "answer": RIGHT[0], "negative_answer": "/".join(WRONG)}
    bare = {"question": "Who hums?", "answer": "I have no comment", "negative_answer": ""}

    found = [q for q, _ in TruthfulQASource(path=write("x.json", [row, bare])).candidates("train")]

    assert [(q.answers, q.wrong_answers) for q in found] == [
        ((RIGHT[0],), WRONG),
        (("I have no comment",), ()),
    ]


def test_the_release() -> None:
    rows, path = release("truthful_qa.json")
    found = [q for q, _ in TruthfulQASource(path=path).candidates("train")]

    assert len(found) == len(rows) == 817
    assert [q.prompt for q in found] == [row["question"].strip() for row in rows]
    assert sum(q.answers == ("I have no comment",) for q in found) == 56
