from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from saysel.errors import DataError
from saysel.records import Question
from saysel.sources.files import FileSource, question_from
from saysel.sources.jsonl import JsonlSource
from saysel.sources.splits import SPLITS


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def source(path: Path, count: int = 300, **options: Any) -> JsonlSource:
    rows = [{"question": f"What is {n} + 1?", "answer": n + 1} for n in range(count)]
    return JsonlSource(path=written(path / "sums.jsonl", rows), **options)


def prompts(source: FileSource, split: str) -> list[str]:
    return [question.prompt for question in source.questions(split)]


def test_every_question_is_in_one_split(tmp_path: Path) -> None:
    sums = source(tmp_path, shares={"pretrain": 0.4, "train": 0.3, "dev": 0.1, "heldout": 0.2})

    dealt = {split: prompts(sums, split) for split in SPLITS}

    assert sum(map(len, dealt.values())) == len(set().union(*dealt.values())) == 300
    for split, share in sums.shares.items():
        assert len(dealt[split]) == pytest.approx(300 * share, abs=30)


def test_more_rows_move_none_of_the_others(tmp_path: Path) -> None:
    few = {split: prompts(source(tmp_path, 100), split) for split in SPLITS}
    many = {split: prompts(source(tmp_path, 300), split) for split in SPLITS}

    for split in SPLITS:
        assert set(few[split]) <= set(many[split])


def test_another_seed_assigns_other_splits(tmp_path: Path) -> None:
    assert prompts(source(tmp_path), "train") == prompts(source(tmp_path), "train")
    assert prompts(source(tmp_path), "train") != prompts(source(tmp_path, seed=1), "train")


def test_the_same_wording_is_never_in_two_splits(tmp_path: Path) -> None:
    rows = [{"question": f"Where is  city {n}?", "answer": "here"} for n in range(50)]
    rows += [{"question": f"WHERE is city {n}? ", "answer": "there"} for n in range(50)]
    cities = JsonlSource(path=written(tmp_path / "x.jsonl", rows))

    sides = {
        split: {" ".join(text.casefold().split()) for text in prompts(cities, split)}
        for split in SPLITS
    }

    assert sum(map(len, sides.values())) == 50


def test_a_row_can_name_its_split(tmp_path: Path) -> None:
    rows = [{"question": f"{n}?", "answer": "a", "split": "dev"} for n in range(20)]
    named = JsonlSource(path=written(tmp_path / "x.jsonl", rows))

    assert len(prompts(named, "dev")) == 20
    assert prompts(named, "train") == []


def test_limits_take_the_first_questions(tmp_path: Path) -> None:
    limited = source(tmp_path, limits={"train": 5, "dev": 0})

    assert prompts(limited, "train") == prompts(source(tmp_path), "train")[:5]
    assert prompts(limited, "dev") == []


def test_smoke_takes_a_handful_and_never_more_than_asked(tmp_path: Path) -> None:
    small = source(tmp_path, limits={"train": 5}).smoke()

    assert len(prompts(small, "train")) == 5
    assert len(prompts(small, "heldout")) == 16


def test_the_digest_depends_on_the_content(tmp_path: Path) -> None:
    assert source(tmp_path).digest() == source(tmp_path).digest()
    assert source(tmp_path).digest() != source(tmp_path, 301).digest()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shares": {"train": 0.5}}, "the shares must be at least 0 and add up to 1"),
        ({"shares": {"train": 1.5, "dev": -0.5}}, "the shares must be at least 0"),
        ({"shares": {"test": 1.0}}, f"no such split: test; use {', '.join(SPLITS)}"),
        ({"limits": {"tain": 3}}, "no such split: tain"),
    ],
)
def test_wrong_shares_are_reported(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        JsonlSource(path=Path("x"), **options)


def test_an_id_that_occurs_twice_is_reported(tmp_path: Path) -> None:
    rows = [{"id": "a", "question": f"{n}?", "answer": "x"} for n in range(2)]
    twice = JsonlSource(path=written(tmp_path / "x.jsonl", rows))

    with pytest.raises(DataError, match=r"x\.jsonl: the id 'a' occurs twice: give every question"):
        list(twice.questions("train"))


def test_a_split_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"there is no split 'test'; use {', '.join(SPLITS)}"):
        list(source(tmp_path).questions("test"))


def test_files_that_cannot_be_read_are_reported(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for path, message in [
        (tmp_path / "none", "none: there is no such file: set source.path"),
        (tmp_path, "this is a directory: name a file"),
        (tmp_path / "empty", "empty: the file has no rows"),
    ]:
        with pytest.raises(DataError, match=message):
            list(JsonlSource(path=path).questions("train"))
    with pytest.raises(DataError, match="there is no such file"):
        JsonlSource(path=tmp_path / "none").digest()


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@given(before=st.integers(0, 5), at=st.integers(0, 3), byte=st.integers(0xF8, 0xFF))
def test_the_line_that_is_not_utf_8_is_named(
    mark: bytes, before: int, at: int, byte: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("bytes") / "x"
    path.write_bytes(mark + b"line\n" * before + b"." * at + bytes([byte]) + b"..\nmore\n")

    with pytest.raises(DataError) as caught:
        JsonlSource(path=path).table()

    assert str(caught.value) == (
        f"{path}, line {before + 1}: not UTF-8 (byte {byte:#04x}): save the file as UTF-8"
    )


# ------------------------------------------------------------------------------------ rows


def test_a_row_with_everything() -> None:
    row = {
        "id": 7,
        "question": "Who?",
        "answers": ["Ann", "Anna"],
        "wrong_answers": "Bob",
        "split": "dev",
        "meta": {"page": 3},
    }
    question = Question("7", "Who?", ("Ann", "Anna"), ("Bob",), {"page": 3})

    assert question_from(row, "x", 1) == (question, "dev")


def test_what_is_left_out_has_a_default() -> None:
    assert question_from({"prompt": "Who?", "answer": 3}, "x", 4) == (
        Question("4", "Who?", ("3",)),
        None,
    )


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"answer": "a"}, "x: it has no question: give it a text under 'question'"),
        ({"question": " ", "answer": "a"}, "x: it has no question"),
        ({"question": 3, "answer": "a"}, "x: it has no question"),
        ({"question": "?"}, "x: the question has no answer: give it a text under 'answer'"),
        ({"question": "?", "answers": []}, "x: the question has no answer"),
        ({"question": "?", "answers": ["", " "]}, "x: the question has no answer"),
        ({"question": "?", "answer": {"a": 1}}, "x: 'answer' must hold a text, a list of texts, "),
        ({"question": "?", "answers": [None]}, "x: the question has no answer"),
        ({"question": "?", "answer": "a", "split": "test"}, "x: there is no split 'test': use"),
        ({"question": "?", "answer": "a", "meta": [1]}, "x: 'meta' must be a mapping"),
    ],
)
def test_what_is_wrong_with_a_row_is_reported(row: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        question_from(row, "x", 1)
