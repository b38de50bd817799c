from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel import testing
from saysel.errors import DataError
from saysel.records import Question
from saysel.sources.jsonl import JsonlSource

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
said = texts.filter(str.strip)
questions = st.builds(
    Question,
    id=said,
    prompt=said,
    answers=st.lists(said, min_size=1, max_size=3).map(tuple),
    wrong_answers=st.lists(said, max_size=2).map(tuple),
    meta=st.dictionaries(texts, st.none() | st.booleans() | st.integers() | texts, max_size=2),
)


def source(path: Path, content: str | bytes, **options: Any) -> JsonlSource:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return JsonlSource(path=path, **options)


@pytest.mark.parametrize("ascii_only", [True, False])
@given(asked=st.lists(questions, min_size=1, max_size=5, unique_by=lambda question: question.id))
def test_what_is_written_is_read(
    ascii_only: bool, asked: list[Question], tmp_path_factory: pytest.TempPathFactory
) -> None:
    lines = [
        json.dumps(
            {**vars(question), "split": "dev", "question": question.prompt}, ensure_ascii=ascii_only
        )
        for question in asked
    ]

    read = source(tmp_path_factory.mktemp("x") / "x.jsonl", "\n".join(lines))

    assert list(read.questions("dev")) == asked


def test_it_keeps_its_contract(tmp_path: Path) -> None:
    rows = "".join(f'{{"question": "{n} + 1?", "answer": {n + 1}}}\n' for n in range(100))

    testing.check_source(source(tmp_path / "x.jsonl", rows))


def test_blank_lines_and_other_ends_of_line_are_nothing(tmp_path: Path) -> None:
    content = (
        b'\xef\xbb\xbf{"question": "a?", "answer": "b"}\r\n\r\n'
        b'  \n{"prompt": "c?", "answers": [1.5, true]}'
    )

    rows = list(source(tmp_path / "x.jsonl", content).rows())

    assert [question.id for question, _ in rows] == ["1", "4"]
    assert rows[1][0].answers == ("1.5", "True")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            '{"question": "a?", "answer": "b"',
            "line 712: not JSON (Expecting ',' delimiter at column 33): fix or remove the line",
        ),
        ('["a?", "b"]', "line 712: must be an object with a value for each column"),
        (
            '{"question": "a?"}',
            "line 712: the question has no answer: give it a text under 'answer'",
        ),
        (
            r'{"question": "\ud800?", "answer": "b"}',
            "line 712: half of a character (\\ud800): fix or remove it",
        ),
    ],
)
def test_a_wrong_line_is_named(line: str, message: str, tmp_path: Path) -> None:
    rows = [f'{{"question": "{n}?", "answer": "{n}"}}' for n in range(1_000)]
    rows[711] = line

    with pytest.raises(DataError) as caught:
        list(source(tmp_path / "x.jsonl", "\n".join(rows)).questions("train"))

    assert str(caught.value) == f"{tmp_path / 'x.jsonl'}, {message}"
