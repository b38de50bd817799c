from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from saysel import testing
from saysel.errors import DataError
from saysel.sources.hub import HubSource
from tests.sources.conftest import Write

ROWS = [{"question": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(120)]
MORE = [{"question": f"What is {n} + 2?", "answer": str(n + 2)} for n in range(40)]


@pytest.fixture
def folder(write: Write) -> Path:
    """A data set in a directory, as the datasets library reads it."""
    write("sums/train.jsonl", ROWS)
    return write("sums/test.jsonl", MORE).parent


def test_it_keeps_its_contract(folder: Path) -> None:
    testing.check_source(HubSource(repository=str(folder)))


def test_splits_share_what_they_are_taken_from(folder: Path) -> None:
    source = HubSource(repository=str(folder))
    dealt = {split: list(source.questions(split)) for split in ("train", "dev", "heldout")}

    assert {q.prompt for q in dealt["train"] + dealt["dev"]} == {row["question"] for row in ROWS}
    assert len(dealt["train"]) + len(dealt["dev"]) == 120
    # 0.7 to 0.1, whatever `heldout` has: that is taken from elsewhere.
    assert len(dealt["dev"]) == pytest.approx(15, abs=8)
    assert [q.prompt for q in dealt["heldout"]] == [row["question"] for row in MORE]
    assert dealt["heldout"][0].id == "test-1"


def test_reading_at_once_gives_the_same(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    streamed = HubSource(repository=str(folder))
    downloaded = HubSource(repository=str(folder), stream=False)

    assert list(downloaded.questions("train")) == list(streamed.questions("train"))


def test_no_more_rows_are_read_than_the_limits_need(write: Write) -> None:
    rows: Sequence[Mapping[str, Any]] = [*ROWS, {"question": "What now?", "answer": ""}]
    folder = write("sums/train.jsonl", rows).parent
    few = HubSource(
        repository=str(folder), splits={"train": "train"}, shares={"train": 1.0}, limits={}
    )

    with pytest.raises(DataError, match=r"sums, split 'train', row 121: 'answer' holds no answer"):
        list(few.questions("train"))
    limited = few.model_copy(update={"limits": {"train": 3}})
    assert len(list(limited.questions("train"))) == limited.size("train") == 3
    assert few.size("train") is None


def test_columns_have_names_and_insides(write: Write) -> None:
    rows = [
        {"q": "Who wrote it?", "a": {"names": ["Ada", "A. W.", "Ada"]}, "no": ["Bo"], "key": 7},
        {"q": "Is it so?", "a": {"names": ["True"]}, "no": [], "key": 8},
    ]
    folder = write("set/train.parquet", rows).parent
    source = HubSource(
        repository=str(folder),
        splits={"train": "train"},
        question_column="q",
        answer_column="a.names",
        wrong_column="no",
        id_column="key",
    )

    first, second = source.questions("train")

    assert (first.id, first.prompt, first.answers) == ("7", "Who wrote it?", ("Ada", "A. W."))
    assert (first.wrong_answers, second.wrong_answers) == (("Bo",), ())
    for column, message in (
        ("a.title", "there is no column 'a.title'; the columns are q, a, no, key"),
        (
            "a",
            "'a' must hold a text, .* \\(got an object with names\\)",
        ),
    ):
        wrong = source.model_copy(update={"answer_column": column})
        with pytest.raises(DataError, match=message):
            list(wrong.questions("train"))


def test_a_repeated_wording_is_skipped(write: Write) -> None:
    folder = write("set/train.jsonl", [*ROWS[:3], {"question": "what is  1 + 1?", "answer": "3"}])
    source = HubSource(repository=str(folder.parent), splits={"train": "train"})

    assert [question.answers for question in source.questions("train")] == [("1",), ("2",), ("3",)]


@pytest.mark.parametrize("revision", [None, "main", "1.0", "a" * 39, "A" * 40])
def test_what_moves_is_no_revision(revision: str | None) -> None:
    with pytest.raises(ValidationError, match="in 40 hex digits, because branches and tags move"):
        HubSource(repository="org/name", revision=revision)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"splits": {"test": "test"}}, "no such split: test"),
        ({"splits": {"train": "a", "rl": "a"}, "shares": {"dev": 1}}, "train, rl are all taken"),
        ({"shares": {"train": 0.5}}, "add up to 1"),
    ],
)
def test_wrong_options(folder: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        HubSource(repository=str(folder), **options)


def test_a_split_that_is_not_there(folder: Path) -> None:
    source = HubSource(repository=str(folder), splits={"train": "train", "heldout": "validation"})

    with pytest.raises(DataError, match="split 'validation': cannot be read: Bad split"):
        list(source.questions("heldout"))
    with pytest.raises(DataError, match="no published split is given for 'dev'"):
        list(source.questions("dev"))
    with pytest.raises(DataError, match="there is no split 'test'"):
        list(source.questions("test"))


def test_content_decides_the_digest(folder: Path, write: Write) -> None:
    source = HubSource(repository=str(folder))
    before = source.digest()
    write("sums/test.jsonl", MORE[:-1])

    assert source.digest() != before
    assert HubSource(repository="org/name", revision="0" * 40).digest() == ""


@pytest.mark.slow
def test_a_hub_out_of_reach_is_one_line() -> None:
    code = (
        "from saysel.sources.hub import HubSource\n"
        "from saysel.errors import DataError\n"
        "try:\n"
        "    next(iter(HubSource(repository='org/name', revision='0' * 40).questions('train')))\n"
        "except DataError as error:\n"
        "    print(error)\n"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )

    (line,) = done.stdout.splitlines()
    assert line.startswith("org/name at 000000000000, split 'train': cannot be read: ")
    assert "or read a local file" in line
