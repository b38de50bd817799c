from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel import testing
from saysel.errors import DataError
from saysel.records import Question
from saysel.sources.csv import CsvSource

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="|\0"), max_size=30)
said = texts.filter(str.strip)
NO_ANSWER = "the question has no answer: give it a text under 'answer'"
COLUMNS = ("id", "question", "answers", "wrong_answers", "split")


def source(path: Path, content: str | bytes, **options: Any) -> CsvSource:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return CsvSource(path=path, **options)


@given(
    asked=st.lists(
        st.builds(
            Question,
            id=said,
            prompt=said,
            answers=st.lists(said, min_size=1, max_size=3).map(tuple),
            wrong_answers=st.lists(said, max_size=2).map(tuple),
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda question: question.id,
    )
)
def test_what_is_written_is_read(
    asked: list[Question], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("x") / "x.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for question in asked:
            lists = ("|".join(question.answers), "|".join(question.wrong_answers))
            table.writerow((question.id, question.prompt, *lists, "dev"))

    assert list(CsvSource(path=path).questions("dev")) == asked


def test_it_keeps_its_contract(tmp_path: Path) -> None:
    rows = "".join(f"{n} + 1?,{n + 1}\n" for n in range(100))

    testing.check_source(source(tmp_path / "x.csv", f"question,answer\n{rows}"))


def test_one_answer_is_not_split_and_several_are(tmp_path: Path) -> None:
    one = source(tmp_path / "one.csv", "question,answer\na?,b|c\n")
    several = source(tmp_path / "several.csv", "question,answers\na?,b; c\n", separator=";")

    assert [question.answers for question, _ in one.rows()] == [("b|c",)]
    assert [question.answers for question, _ in several.rows()] == [("b", " c")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"what,why\na,b\n",
            ", line 1: the header must name 'question' and 'answer' (got what, why)",
        ),
        (b'"que"stion,answer\na,b\n', ", line 1: not CSV: ',' expected after '\"'"),
        (b"question,answer\na?,b\nc?,\n", f", line 3: {NO_ANSWER}"),
        (
            b"question,answer\na?,b\nc?\n",
            ", line 3: 1 value, but the header names 2: fix or remove the line",
        ),
        (
            b"question,answer\na?,b,c\n",
            ", line 2: 3 values, but the header names 2: fix or remove the line",
        ),
        (b'question,answer\na?,b\n"c?,d\n', ", line 3: not CSV: unexpected end of data"),
        (b"question,answer\na?,\xe4\n", ", line 2: not UTF-8 (byte 0xe4): save the file as UTF-8"),
        (b"", ": the file has no rows"),
    ],
)
def test_what_is_wrong_is_reported_with_its_line(
    content: bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        list(source(tmp_path / "x.csv", content).questions("train"))

    assert str(caught.value) == f"{tmp_path / 'x.csv'}{message}"
