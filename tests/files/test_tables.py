from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.errors import DataError
from saysel.files import content
from saysel.files.tables import read_table
from saysel.sources.csv import CsvSource
from saysel.sources.hotpotqa import HotpotQASource
from saysel.sources.jsonl import JsonlSource

ROWS = [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]


def zipped(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "places"),
    [
        ("x.csv", "a,b\n1,x\n2,y\n", [2, 3]),
        ("x.csv", "\ufeffa,b\r\n1,x\r\n\r\n2,y\r\n", [2, 4]),
        ("x.csv", "a;b\n1;x\n2;y\n", [2, 3]),
        ("x.csv", '"a";"b"\n1;x\n2;y\n', [2, 3]),
        ("x.csv", "a\tb\n1\tx\n2\ty\n", [2, 3]),
        ("x.csv", "a|b\n1|x\n2|y\n", [2, 3]),
        ("x.csv", "sep=;\na;b\n1;x\n2;y\n", [3, 4]),
        ("x.tsv", "a\tb\n1\tx\n2\ty\n", [2, 3]),
        ("x.jsonl", '{"a": "1", "b": "x"}\n\n{"a": "2", "b": "y"}\n', [1, 3]),
        ("x.json", '{"a": "1", "b": "x"}\n{"a": "2", "b": "y"}', [1, 2]),
        ("x.ndjson", '{"a": "1", "b": "x"}\r\n{"a": "2", "b": "y"}', [1, 2]),
        ("x.json", '[{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]', [1, 2]),
        ("x.jsonl", '[\n {"a": "1", "b": "x"},\n {"a": "2", "b": "y"}\n]\n', [1, 2]),
        ("x.json", '{"data": [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]}', [1, 2]),
        ("x.jsonl", '{\n "a": "1",\n "b": "x"\n}\n{\n "a": "2",\n "b": "y"\n}\n', [1, 5]),
        ("x.json", '{"a": "1", "b": "x"} {"a": "2", "b": "y"}', [1, 1]),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_every_layout_gives_the_same_rows(
    tmp_path: Path, name: str, content: str, places: list[int], compressed: bool
) -> None:
    path = tmp_path / (f"{name}.gz" if compressed else name)
    path.write_bytes(gzip.compress(content.encode()) if compressed else content.encode())

    file = read_table(path)

    assert (file.columns, file.rows, file.numbers) == (("a", "b"), ROWS, places)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x", b"a,b\n1,x\n2,y\n"),
        ("x.txt", b'{"a": "1", "b": "x"}\n{"a": "2", "b": "y"}'),
        ("x.csv", b'[{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]'),
        ("x.csv.gz", b"a,b\n1,x\n2,y\n"),
        ("x.json", gzip.compress(b'{"a": "1", "b": "x"}\n{"a": "2", "b": "y"}')),
    ],
    ids=range(5),
)
def test_a_format_is_recognised_by_content(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)

    assert read_table(tmp_path / name).rows == ROWS


def test_a_parquet_file_may_have_any_name(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "shard-0")

    assert read_table(tmp_path / "shard-0").rows == ROWS


def test_a_tsv_file_may_have_commas_in_its_header(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text("a, of 1\tb\n1\tx\n")

    assert read_table(tmp_path / "x.tsv").columns == ("a, of 1", "b")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv.gz", gzip.compress(b"a,b\n1,x\n")[:-9], "damaged gzip file ("),
        ("x.csv.gz", b"\x1f\x8b no", "damaged gzip file ("),
        ("x.csv", bz2.compress(b"a,b\n"), "compressed with bzip2: decompress it"),
        ("x.jsonl", lzma.compress(b"{}"), "compressed with xz: decompress it"),
        ("x.csv", zipped({"a.csv": b"a,b"}), "a zip archive: extract it, and name the file"),
        ("x.xlsx", zipped({"xl/workbook.xml": b"<workbook/>"}), "not a spreadsheet, or damaged ("),
        ("x.xls", b"\xd0\xcf\x11\xe0\xa1\xb1", "not a spreadsheet, or damaged ("),
        ("x.eval", zipped({"header.json": b"{}"})[:-4], "damaged zip archive ("),
        ("x.eval", b"PK\x03\x04...", "damaged zip archive ("),
        ("x.csv", b"PAR1...PAR1", "not a Parquet file, or damaged ("),
        ("x.csv", "a,b\n1,x\n".encode("utf-16"), "UTF-16: save the file as UTF-8"),
        ("x.csv", "a,b\n1,x\n".encode("utf-16-le"), "UTF-16, or not text: save the file as UTF-8"),
        ("x.csv", b"a;b\n1;x;y\n", "line 2: 3 values, but the header names 2: fix or remove"),
        ("x.jsonl", b'{"a": 1\n{"a": 2}\n', "line 1: not JSON (Expecting ',' delimiter"),
        ("x.jsonl", b'{"a": 1}\n{"a": \n{"a": 3}\n', "line 2: not JSON (Expecting value"),
        ("x.json", b'{\n "a": 1,\n "b"\n}\n', "line 4: not JSON (Expecting ':' delimiter"),
        ("x.json", b'[{"a": 1}, 2]', "entry 2: must be an object"),
        ("x.json", b"[]", "the file has no rows"),
        ("x.json", b"3", "line 1: must be an object"),
        ("x.json", b"[" * 100_000, "line 1: not JSON (a number or list that is too long"),
    ],
    # Archives hold the time of day: an id made of them differs between pytest's workers.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_named_in_one_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(DataError) as caught:
        read_table(tmp_path / name)

    assert str(caught.value).startswith(str(tmp_path / name))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_gzip_file_unpacks_to_a_limited_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "MAX_UNPACKED", 1_000)
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(b"a\n" * 1_000))

    with pytest.raises(DataError, match="unpacks to more than"):
        read_table(tmp_path / "x.csv.gz")


def parquet(path: Path, column: pa.Array) -> Path:
    pq.write_table(pa.table({"id": pa.array(range(len(column))), "text": column}), path)
    return path


def invalid(content: list[bytes]) -> pa.Array:
    """Texts that are not checked: other writers do not check them either."""
    binary = pa.array(content, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(binary), binary.buffers())


def test_text_in_parquet_that_is_not_utf_8_is_named_by_row_and_column(tmp_path: Path) -> None:
    path = parquet(tmp_path / "x.parquet", invalid([b"fine", b"caf\xe9", b"fine"]))

    with pytest.raises(DataError) as caught:
        read_table(path)

    assert str(caught.value) == (
        f"{path}, row 2: 'text' cannot be read (not UTF-8): fix or remove the row"
    )


def test_a_time_in_parquet_that_python_does_not_know_is_named(tmp_path: Path) -> None:
    path = parquet(tmp_path / "x.parquet", pa.array([0, 2**62], pa.timestamp("us")))

    with pytest.raises(DataError, match=r"x\.parquet, row 2: 'text' cannot be read"):
        read_table(path)


@given(cut=st.integers(4, 400), flip=st.integers(0, 400))
def test_damaged_parquet_is_refused_in_one_line(
    cut: int, flip: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = parquet(tmp_path_factory.getbasetemp() / "d.parquet", pa.array(["a", "b"]))
    content = bytearray(path.read_bytes())[:-1]
    content[flip % len(content)] ^= 0xFF
    path.write_bytes(bytes(content[:cut]) + b"PAR1")
    try:
        read_table(path)
    except DataError as error:
        assert str(error).startswith(str(path)) and "\n" not in str(error)


@pytest.mark.parametrize(
    ("source", "name", "content"),
    [
        (CsvSource, "x.csv.gz", b"id;question;answer\n1;Who?;Ann\n"),
        (JsonlSource, "x.json", b'[{"id": 1, "question": "Who?", "answer": "Ann"}]'),
        (JsonlSource, "x.jsonl.gz", b'{\n"id": 1,\n"question": "Who?", "answer": "Ann"}'),
        (HotpotQASource, "x.tsv.gz", b"id\tquestion\tanswer\n1\tWho?\tAnn\n"),
    ],
)
def test_sources_read_the_same_files(
    source: Any, name: str, content: bytes, tmp_path: Path
) -> None:
    packed = gzip.compress(content) if name.endswith(".gz") else content
    (tmp_path / name).write_bytes(packed)

    questions = [
        question
        for split in ("train", "rl", "dev", "heldout")
        for question in source(path=tmp_path / name).questions(split)
    ]

    assert [(question.prompt, question.answers) for question in questions] == [("Who?", ("Ann",))]
