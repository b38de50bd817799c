from __future__ import annotations

import csv
import io
import json
import time
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.errors import DataError
from saysel.files.accepted_answers import accepted_answers
from saysel.sources.files import question_from
from saysel.sources.hub import texts

PARIS = ("Paris", "Lutetia")

#: What a data set holds, and the answers in it.
SHAPES: list[tuple[Any, tuple[str, ...]]] = [
    ("Paris", ("Paris",)),
    (13, ("13",)),
    (True, ("True",)),
    (["Paris", "Lutetia"], PARIS),
    ([["Paris"], ["Lutetia"]], PARIS),
    ([["Paris", ["Lutetia"]], None, " "], PARIS),
    (("Paris", "Lutetia"), PARIS),
    (np.array(["Paris", "Lutetia"]), PARIS),
    (np.array(["Paris", None, "Lutetia"], dtype=object), PARIS),
    ({"text": ["Paris", "Lutetia"], "answer_start": [1, 5]}, PARIS),
    ([{"text": "Paris"}, {"text": "Lutetia"}], PARIS),
    ({"value": "Paris", "aliases": ["Lutetia"], "normalized_value": "paris"}, PARIS),
    ({"Value": "Paris", "Aliases": ["Lutetia"], "Type": "WikipediaEntity"}, PARIS),
    ({"answer": "Paris", "score": 0.5}, ("Paris",)),
    (None, ()),
    (float("nan"), ()),
    ([], ()),
    ({"text": [], "answer_start": []}, ()),  # SQuAD 2: no answer
    # Written into a cell of text.
    ('["Paris", "Lutetia"]', PARIS),
    ("['Paris', 'Lutetia']", PARIS),
    ("('Paris', 'Lutetia')", PARIS),
    ("['Paris' 'Lutetia']", PARIS),
    ("['Paris'\n 'Lutetia']", PARIS),
    ("['Paris' None 'Lutetia']", PARIS),
    ("['Paris', nan, 'Lutetia']", PARIS),
    ("array(['Paris', 'Lutetia'], dtype=object)", PARIS),
    ("np.array(['Paris', 'Lutetia'])", PARIS),
    ("[list(['Paris']) list(['Lutetia'])]", PARIS),
    ("[['Paris'], ['Lutetia']]", PARIS),
    ("{'text': ['Paris', 'Lutetia'], 'answer_start': [1, 5]}", PARIS),
    (
        "{'text': array(['Paris', 'Lutetia'],\n dtype=object), 'answer_start': array([1])}",
        PARIS,
    ),
    ('{"value": "Paris", "aliases": ["Lutetia"]}', PARIS),
    ('["thirteen", 13]', ("thirteen", "13")),
    ("[\"it's\" 'so']", ("it's", "so")),
    ("[]", ()),
    # A text, and nothing else.
    ("[0, 1]", ("[0, 1]",)),
    ("[1 2 3]", ("[1 2 3]",)),
    ("{1, 2}", ("{1, 2}",)),
    ("['Rome'", ("['Rome'",)),
    ("[{{1}}]", ("[{{1}}]",)),
    ("('Rome')", ("('Rome')",)),
    ("print('Rome')", ("print('Rome')",)),
    ('He said "so" (twice)', ('He said "so" (twice)',)),
]


@pytest.mark.parametrize(("value", "answers"), SHAPES)
def test_every_shape_is_read(value: object, answers: tuple[str, ...]) -> None:
    assert accepted_answers(value, "gold", "x.csv, line 2") == answers


@pytest.mark.parametrize("value", [value for value, answers in SHAPES if answers])
def test_sources_read_them_in_the_same_way(value: object) -> None:
    expected = accepted_answers(value, "answers", "x")

    question, _ = question_from({"question": "?", "answers": value}, "x", 1, separator="|")
    assert question.answers == expected
    assert texts(value, "answers", "x") == expected


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"label": "Paris"}, "got an object with label"),
        ("{'label': 'Paris'}", "got an object with label"),
        ({"aliases": ["Lutetia"]}, "got an object with aliases"),
        ([{"span": "Paris"}], "got an object with span"),
        ({}, "got an object with nothing in it"),
        ([b"Paris"], "got b'Paris'"),
        ("['Paris', ..., 'Lutetia']", "the list was shortened when it was written"),
        ("['Paris' ... 'Lutetia']", "the list was shortened when it was written"),
    ],
)
def test_what_holds_no_answer_is_refused_by_column_and_line(value: object, reason: str) -> None:
    with pytest.raises(DataError) as caught:
        accepted_answers(value, "gold", "x.csv, line 2")

    message = str(caught.value)
    assert message.startswith("x.csv, line 2: 'gold' must hold a text, a list of texts, ")
    assert message.endswith(f"({reason})")
    assert "\n" not in message


def test_texts_in_a_list_are_taken_as_they_are() -> None:
    assert accepted_answers(["['a', 'b']"], "gold", "x") == ("['a', 'b']",)


def test_a_separator_divides_what_is_no_written_list() -> None:
    assert accepted_answers("Paris|Lutetia", "answers", "x", "|") == PARIS
    assert accepted_answers("['Paris|x', 'Lutetia']", "answers", "x", "|") == ("Paris|x", "Lutetia")


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip)


@given(answers=st.lists(words, min_size=1, max_size=4))
def test_what_json_python_and_numpy_write_is_read(answers: list[str]) -> None:
    expected = tuple(answers)
    for written in (json.dumps(answers), repr(answers), str(np.array(answers, dtype=object))):
        cell = next(csv.reader(io.StringIO(_row(written))))[0]
        assert accepted_answers(cell, "gold", "x") == expected


def _row(cell: str) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([cell])
    return text.getvalue()


@given(cell=st.text("[](){}'\", \\n.0a:=#|"))
def test_any_text_is_read_or_refused(cell: str) -> None:
    try:
        answers = accepted_answers(cell, "gold", "x")
    except DataError as error:
        assert str(error).startswith("x: 'gold' must hold")
    else:
        assert all(answer.strip() for answer in answers)


@pytest.mark.parametrize("piece", ["[", "['", "('a' ", "{'a':", "array(", "\\", "'a'\n"])
def test_a_long_cell_takes_no_long_time(piece: str) -> None:
    cell = piece * (150_000 // len(piece)) + "']"
    start = time.thread_time()

    with suppress(DataError):
        accepted_answers(cell, "gold", "x")

    assert time.thread_time() - start < 10
