from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saysel.errors import DamagedFile, StageError
from saysel.records import (
    Cluster,
    Example,
    Grade,
    Meaning,
    Message,
    Prediction,
    Question,
    Rationale,
    Reflection,
    ReplyCounts,
    Response,
)
from saysel.storage import (
    Shards,
    finish,
    finished,
    intact,
    read_json,
    read_record,
    write_atomically,
    write_checked,
    write_json,
    write_record,
    write_text,
)
from saysel.storage.codecs import encode, schema
from tests.support.small_disk import mount_tmpfs

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
shares = st.floats(0, 1)
numbers = st.floats(allow_nan=False)
counts = st.integers(0, 2**40)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
answers = st.lists(texts, max_size=3).map(tuple)
responses = st.builds(
    Response, texts, counts, texts, st.none() | texts, counts, st.none() | numbers
)
messages = st.builds(Message, role=st.sampled_from(["system", "user", "assistant"]), content=texts)
RECORDS = {
    Question: st.builds(
        Question, texts, texts, answers, answers, st.dictionaries(texts, json_values, max_size=3)
    ),
    Response: responses,
    Cluster: st.builds(Cluster, texts, st.lists(counts, max_size=3).map(tuple), responses, shares),
    Rationale: st.builds(Rationale, texts, texts),
    Example: st.builds(Example, texts, st.lists(messages, max_size=3).map(tuple), texts, shares),
    Prediction: st.builds(
        Prediction,
        texts,
        texts,
        st.none() | texts,
        st.none() | texts,
        st.none() | shares,
        st.none() | shares,
        counts,
        st.dictionaries(texts, shares, max_size=3),
    ),
    Reflection: st.builds(
        Reflection,
        texts,
        texts,
        st.none() | texts,
        st.none() | texts,
        st.none() | shares,
        counts,
        counts,
        st.lists(st.builds(Meaning, answers, shares, st.booleans()), max_size=3).map(tuple),
        st.none() | shares,
        st.none() | shares,
        st.none() | shares,
    ),
    Grade: st.builds(Grade, texts, st.none() | numbers),
}


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_record_comes_back_as_it_was(
    record: type, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert schema(record).names == [field.name for field in fields(record)]
    shards = Shards(tmp_path_factory.mktemp("shards"), record)

    @settings(max_examples=40)  # every example writes to the disk
    @given(st.lists(RECORDS[record], max_size=4), st.lists(RECORDS[record], max_size=2))
    def check(first: list[object], second: list[object]) -> None:
        shards.write(0, first)
        shards.write(1, second)
        assert list(shards) == [*first, *second]

    check()


def test_shards_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    shards = Shards(tmp_path, Rationale)
    for number in (11, 2, 0):
        assert not shards.has(number)
        shards.write(number, [Rationale(f"q{number}", "…")])
        assert shards.has(number)

    assert [record.question_id for record in shards] == ["q0", "q2", "q11"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_text(path, "old")

    def break_off(file: object) -> None:
        file.write(b"ne")  # type: ignore[attr-defined]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, break_off)

    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_record_of_the_wrong_type_leaves_no_shard(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="convert to double"):
        Shards(tmp_path, Example).write(0, [Example("q", (), "…", "high")])  # type: ignore[arg-type]

    assert os.listdir(tmp_path) == []


def test_directories_on_the_way_are_made(tmp_path: Path) -> None:
    write_json(tmp_path / "a" / "b.json", {"ä": [1, None]})

    assert read_json(tmp_path / "a" / "b.json") == {"ä": [1, None]}


def test_json_takes_no_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", float("nan"))

    assert os.listdir(tmp_path) == []


def test_a_stage_is_done_when_its_marker_is_there(tmp_path: Path) -> None:
    assert finished(tmp_path) is None
    finish(tmp_path, {"seconds": 1.5})
    assert finished(tmp_path) == {"seconds": 1.5}


def test_a_place_that_is_not_a_directory_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StageError, match=r"file/x: cannot be written \(.+\)") as caught:
        write_text(tmp_path / "file" / "x", "…")

    assert "\n" not in str(caught.value)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KB."""
    with mount_tmpfs(tmp_path / "disk", "64k") as place:
        yield place


def test_a_full_disk_is_one_line_and_loses_nothing(small_disk: Path) -> None:
    kept, rejected = small_disk / "kept", small_disk / "rejected"
    write_text(kept, "x" * 20_000)

    with pytest.raises(StageError) as caught:
        write_text(rejected, "x" * 80_000)

    assert caught.value.__cause__.errno == errno.ENOSPC  # type: ignore[union-attr]
    assert str(caught.value) == (
        f"{rejected}: the disk is full; what was finished is kept: free some space and run again"
    )
    assert os.listdir(small_disk) == ["kept"]
    with pytest.raises(StageError, match="disk is full"):
        Shards(small_disk, Rationale).write(0, [Rationale("q", os.urandom(60_000).hex())])
    assert os.listdir(small_disk) == ["kept"]


def test_a_file_is_intact_until_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert not intact(path)
    write_checked(path, lambda file: file.write(b"content"))
    assert intact(path)

    copy = tmp_path / "other"
    copy.write_bytes(path.read_bytes())
    (tmp_path / ".other.sum").write_bytes((tmp_path / ".file.sum").read_bytes())
    assert not intact(copy)  # another file's checksum
    path.write_bytes(b"Content")
    assert not intact(path)


@given(content=st.dictionaries(texts, json_values, max_size=3), place=st.integers(0, 10**6))
def test_a_record_is_read_as_it_was_written_or_not_at_all(
    content: dict[str, object], place: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = {f"_{key}": value for key, value in content.items()}
    path = tmp_path_factory.mktemp("record") / "record.json"
    write_record(path, content)
    assert read_record(path) == content

    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 1
    path.write_bytes(data)
    try:
        assert read_record(path) == content  # a space between two keys
    except DamagedFile as error:
        assert str(error).startswith(f"{path}: ") and "\n" not in str(error)


def test_shards_that_do_not_belong_are_deleted_before_the_missing_ones_are_written(
    tmp_path: Path,
) -> None:
    shards = Shards(tmp_path, Rationale)
    for number in range(4):
        shards.write(number, [Rationale(f"q{number}", "…")])
    shards.path(1).write_bytes(shards.path(0).read_bytes())
    shards.path(2).write_bytes(b"")

    assert shards.missing(3) == [1, 2]

    assert [record.question_id for record in shards] == ["q0"]


def test_a_shard_with_other_columns_is_of_another_version(tmp_path: Path) -> None:
    Shards(tmp_path, Grade).write(0, [Grade("q", 1.0)])

    with pytest.raises(DamagedFile, match="written by another version of saysel"):
        list(Shards(tmp_path, Rationale))


def test_records_of_an_earlier_version_lack_fields_that_have_a_default(tmp_path: Path) -> None:
    prediction = Prediction("q", "Answer: Rome", "Rome", None, 0.5, shares={"Rome": 1.0})
    table = pa.Table.from_pylist([encode(prediction)], schema=schema(Prediction))
    earlier = Shards(tmp_path / "earlier", Prediction)
    write_checked(
        earlier.path(0), lambda file: pq.write_table(table.drop_columns("reply_counts"), file)
    )
    counted = replace(prediction, reply_counts=ReplyCounts(replies=3, cut=1))
    rows = pa.Table.from_pylist([encode(counted)], schema=schema(Prediction)).to_pylist()
    del rows[0]["reply_counts"]["declined"], rows[0]["declined"]
    nested = Shards(tmp_path / "nested", Prediction)
    older = pa.schema(
        field.with_type(pa.struct([part for part in field.type if part.name != "declined"]))
        if field.name == "reply_counts"
        else field
        for field in schema(Prediction)
        if field.name != "declined"
    )
    write_checked(
        nested.path(0),
        lambda file: pq.write_table(pa.Table.from_pylist(rows, schema=older), file),
    )
    damaged = Shards(tmp_path / "damaged", Prediction)
    write_checked(damaged.path(0), lambda file: pq.write_table(table.drop_columns("answer"), file))

    assert list(earlier) == [prediction] and list(nested) == [counted]
    with pytest.raises(DamagedFile, match="written by another version of saysel"):
        list(damaged)


@pytest.mark.parametrize("target", ["file", "nowhere", "folder"])
def test_a_link_planted_under_the_temporary_name_is_not_followed(
    tmp_path: Path, target: str
) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "folder").mkdir()
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / ".index.html.tmp").symlink_to(tmp_path / target)

    write_text(tmp_path / "report" / "index.html", "page")

    assert (tmp_path / "report" / "index.html").read_text() == "page"
    assert not (tmp_path / "report" / "index.html").is_symlink()
    assert (tmp_path / "file").read_text() == "precious"
    assert not (tmp_path / "nowhere").exists() and not any((tmp_path / "folder").iterdir())
    assert os.listdir(tmp_path / "report") == ["index.html"]


def test_a_file_in_the_place_of_a_link_replaces_the_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "index.html").symlink_to(tmp_path / "file")

    write_text(tmp_path / "index.html", "page")

    assert (tmp_path / "file").read_text() == "precious"
    assert not (tmp_path / "index.html").is_symlink()


def test_a_half_written_file_of_a_killed_process_is_replaced(tmp_path: Path) -> None:
    (tmp_path / ".index.html.tmp").write_text("half a pa")

    write_text(tmp_path / "index.html", "page")

    assert os.listdir(tmp_path) == ["index.html"]
