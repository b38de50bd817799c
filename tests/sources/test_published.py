from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from pydantic import ValidationError

from saysel import registry, testing
from saysel.errors import DataError
from saysel.sources.hotpotqa import HotpotQASource
from saysel.sources.published import file_table
from saysel.sources.splits import SPLITS, words
from tests.sources.conftest import Write

SPLIT = ("train", "rl", "dev", "heldout")
ROWS = [
    {"id": f"h{n}", "question": f"Which river runs past hill {n}?", "answer": f"River {n}"}
    for n in range(200)
]


@pytest.mark.parametrize("name", ["x.json", "x.jsonl", "x.csv", "x.parquet"])
def test_every_kind_of_file(name: str, write: Write) -> None:
    path = write(name, ROWS)

    testing.check_source(HotpotQASource(path=path), SPLIT)
    assert [dict(row) for row in file_table(path).rows] == ROWS


def test_a_file_is_split_over_all_splits(write: Write) -> None:
    source = HotpotQASource(path=write("x.json", ROWS))
    sides = {split: {words(q.prompt) for q in source.questions(split)} for split in SPLITS}

    assert {split for split, side in sides.items() if side} == set(SPLIT)
    assert sum(map(len, sides.values())) == 200
    assert all(not sides[one] & sides[other] for one, other in combinations(SPLITS, 2))


def test_lines_in_a_json_file(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"a": 1}\n\n{"a": 2}\n')
    assert file_table(path).rows == [{"a": 1}, {"a": 2}]
    path.write_text('{"Data": [{"a": 1}, {"a": 2}], "Version": 1.0}')
    assert file_table(path).rows == [{"a": 1}, {"a": 2}]
    path.write_text('{"a": 1}')
    assert file_table(path).rows == [{"a": 1}]


def test_the_same_wording_twice_accepts_both_answers(write: Write) -> None:
    again = {"id": "x", "question": "which river runs  past hill 0?", "answer": "The Zero"}
    source = HotpotQASource(path=write("x.json", [*ROWS, again]))

    (both,) = [q for s in SPLIT for q in source.questions(s) if "hill 0?" in q.prompt]

    assert both.answers == ("River 0", "The Zero")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.json", "[1]", "x.json, entry 1: must be an object"),
        ("x.json", "[", "x.json, line 1: not JSON (Expecting value at column 2)"),
        (
            "x.json",
            f"[{'9' * 5000}]",
            "x.json, line 1: not JSON (a number or list",
        ),
        (
            "x.json",
            '[{"question": "\\ud83d?", "answer": "b"}]',
            "x.json, entry 1: half of a character (\\ud83d): fix or remove it",
        ),
        ("x.csv", "question,answer\na?,b,c\n", "x.csv, line 2: 3 values, but the header names 2"),
        ("x.json", "3", "x.json, line 1: must be an object"),
        ("x.json", "[]", "x.json: the file has no rows"),
        (
            "x.jsonl",
            '{"question": "a?", "answer": "b"}\n{"b"',
            "x.jsonl, line 2: not JSON (Expecting ':' delimiter at column ",
        ),
        ("x.parquet", "PAR1", "x.parquet: not a Parquet file, or damaged ("),
        ("x.json", '[{"question": "a?"}]', "x.json, entry 1: needs 'answer', has question"),
        (
            "x.json",
            '[{"question": " ", "answer": "b"}]',
            "x.json, entry 1: 'question' must be a text (got ' ')",
        ),
        (
            "x.json",
            '[{"question": "a?", "answer": 3}]',
            "x.json, entry 1: 'answer' must be a text (got 3)",
        ),
    ],
)
def test_what_is_wrong_is_reported_with_its_place(
    name: str, content: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)

    with pytest.raises(DataError) as caught:
        list(HotpotQASource(path=tmp_path / name).questions("train"))

    assert str(caught.value).startswith(str(tmp_path / message))


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(DataError, match=r"there is no such file: set source\.path"):
        HotpotQASource(path=Path("nowhere.json")).digest()


PUBLISHED = [
    *("abstention_bench", "fever", "gsm8k", "halueval", "hotpotqa", "multiple_choice", "simpleqa"),
    *("strategyqa", "triviaqa", "truthfulqa"),
]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_hub_needs_a_commit(name: str) -> None:
    cls = registry.find("source", name)
    pinned = cls.model_fields["revision"].default
    if pinned is not None:
        assert not cls().digest()
    with pytest.raises(ValidationError, match="or give a file with the set under `path`"):
        cls(revision=None)
    with pytest.raises(ValidationError, match="branches and tags move"):
        cls(revision="main")
    assert cls(revision="0" * 40).size("train") is None
    assert cls(revision="0" * 40, limits={"train": 9}).size("train") == 9


def test_the_hub_is_read_like_a_file(write: Write) -> None:
    write("set/train.parquet", ROWS[:100])
    folder = write("set/validation.parquet", ROWS[100:]).parent
    source = HotpotQASource(repository=str(folder), subset=None)

    testing.check_source(source, SPLIT)
    assert [q.id for q in source.questions("heldout")] == [
        f"hotpotqa-h{n}" for n in range(100, 200)
    ]
