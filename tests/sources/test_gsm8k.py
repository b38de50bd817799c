from __future__ import annotations

import pytest

from saysel.errors import DataError
from saysel.sources.gsm8k import GSM8KSource
from tests.sources.conftest import Write, release

ASKED = "Ada buys 30 boxes of 40 pens. How many pens has she?"


@pytest.mark.parametrize(
    ("row", "number"),
    [
        ({"answer": "1200", "solution": "30*40=1200\n#### 1200"}, "1200"),
        ({"answer": "30 boxes hold <<30*40=1200>>1200 pens.\n#### 1,200"}, "1,200"),
    ],
)
def test_both_schemas(row: dict[str, str], number: str, write: Write) -> None:
    path = write("x.jsonl", [{"question": ASKED, **row}])
    ((question, _),) = GSM8KSource(path=path).candidates("train")

    assert (question.prompt, question.answers) == (ASKED, (number,))


def test_no_number_is_refused(write: Write) -> None:
    path = write("x.jsonl", [{"question": ASKED, "answer": "Many.\n####"}])
    with pytest.raises(DataError, match="line 1: there is no number after '####'"):
        list(GSM8KSource(path=path).questions("train"))


def test_the_release() -> None:
    rows, path = release("gsm8k_test.json")
    found = [q for q, _ in GSM8KSource(path=path).candidates("train")]

    assert len(found) == len(rows) == 1319
    assert [q.answers for q in found] == [(row["answer"],) for row in rows]
