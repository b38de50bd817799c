"""Files as people have them, scored from the command line."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.end_to_end import invoke

TABLE = b"id,confidence,correct\nq1,0.9,1\nq2,0.8,0\n"
#: Without the time, which would give the test another name in each process that collects it.
PACKED = gzip.compress(TABLE, mtime=0)
REPLY = "Answer: Paris\\nConfidence: 90%"
HARNESS = "".join(
    f'{{"doc_id": {n}, "target": "Paris", "resps": [["{REPLY}"]], "filtered_resps": ["{REPLY}"], '
    '"exact_match": 1.0}\n'
    for n in range(4)
)
PERCENT = ("--format", "percent", "--column", "output=filtered_resps")
#: Files next to the checkout, if there are any.
CASES = Path(__file__).parents[3] / "shared" / "cases" / "files"


@pytest.mark.parametrize(
    ("name", "content", "options", "metrics"),
    [
        ("array.json", b'[{"confidence": 0.9, "correct": true}]', (), {"accuracy": 1, "n": 1}),
        (
            "pretty.jsonl",
            b'{\n "confidence": 0.9,\n "correct": true\n}\n{\n "confidence": 0.4,\n'
            b' "correct": false\n}\n',
            (),
            {"accuracy": 0.5, "n": 2},
        ),
        ("named.csv", PACKED, (), {"accuracy": 0.5, "brier": 0.325}),
        ("packed.csv.gz", PACKED, (), {"accuracy": 0.5, "brier": 0.325}),
        ("semicolon.csv", TABLE.replace(b",", b";"), (), {"accuracy": 0.5, "brier": 0.325}),
        ("words.csv", b"confidence,correct\n0.9,correct\n0.8,incorrect\n", (), {"accuracy": 0.5}),
        ("letters.csv", b"confidence,correct\n0.9,C\n0.8,I\n", (), {"accuracy": 0.5}),
        (
            "above.csv",
            b"confidence,correct\n1.0000000000000002,1\n0.5,0\n",
            (),
            {"brier": 0.125, "n": 2},
        ),
        (
            "harness.jsonl",
            HARNESS.encode(),
            (*PERCENT, "--column", "correct=exact_match"),
            {"accuracy": 1, "brier": 0.01, "parse_rate": 1},
        ),
        ("harness.jsonl", HARNESS.encode(), PERCENT, {"accuracy": 1, "brier": 0.01}),
        (
            "squad.jsonl",
            b'{"answer": "Paris", "confidence": 0.9, "gold": {"text": ["Paris", "City of Paris"], '
            b'"answer_start": [1, 5]}}',
            (),
            {"accuracy": 1},
        ),
        (
            "numpy.csv",
            b"answer,confidence,gold\nParis,0.9,\"['Lutetia' 'Paris']\"\n",
            (),
            {"accuracy": 1},
        ),
        ("countries.csv", b"id,confidence,correct\nNA,0.9,1\nZA,0.4,0\n", (), {"accuracy": 0.5}),
    ],
)
def test_a_file_is_read(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: bytes,
    options: tuple[str, ...],
    metrics: dict[str, float],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(content)

    result = invoke("score", name, *options, "--json")

    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)["rows"]
    for metric, value in metrics.items():
        measured = row["n"] if metric == "n" else row["metrics"][metric]["value"]
        assert measured == pytest.approx(value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "comma.csv",
            b"id;confidence;correct\nq1;0,9;1\n",
            "line 2: 'confidence' has a decimal comma ('0,9'), as in files that are separated by "
            "a semicolon",
        ),
        ("table.xlsx", b"PK\x03\x04...", "damaged zip archive ("),
        (
            "samples.jsonl",
            b'{"id": 1, "confidence": [0.9, 0.8, 0.7], "correct": [1, 0, 1]}',
            "line 1: 'confidence' is a list of length 3: write one row for each value",
        ),
    ],
)
def test_a_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(content)

    result = invoke("score", name)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(name) and message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_confidence_inside_a_struct_is_refused(tmp_path: Path) -> None:
    rows = [{"id": "a", "confidence": {"value": 0.9}, "correct": 1}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "x.parquet")

    result = invoke("score", tmp_path / "x.parquet")

    assert result.exit_code == 2
    assert "row 1: 'confidence' must be a number" in result.stderr


def test_a_column_that_was_left_out_is_named_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.jsonl").write_text('{"confidence": 0.5, "correct": 1, "tokens": [1, 2]}\n')

    result = invoke("score", "x.jsonl", "--json")

    assert result.exit_code == 0 and json.loads(result.stdout)
    assert result.stderr == (
        "x.jsonl, line 1: 'tokens' must be a number of tokens, or empty (got [1, 2]); the column "
        "is left out\n"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--scale", "100", *PERCENT), "--scale 100: with --format, the format has its own scale"),
        ((*PERCENT, "--column", "confidence=target"), "--column confidence=target: with --format,"),
        (
            (*PERCENT, "--judge", "match", "--column", "correct=exact_match"),
            "--column correct=…: with --judge, the judge decides what is correct",
        ),
        (
            (*PERCENT, "--column", "gold=target", "--column", "gold=doc_id"),
            "has 'target' and 'doc_id': name one column per role",
        ),
        (
            ("--format", "percent", "--column", "output=many"),
            "line 1: 'many' must be the text of one reply: it holds 2 replies",
        ),
    ],
)
def test_options_are_used_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.jsonl").write_text(HARNESS.replace('"target"', '"many": ["a", "b"], "target"'))

    result = invoke("score", "x.jsonl", *options)

    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr and result.stderr.count("\n") == 1


@pytest.mark.skipif(not CASES.is_dir(), reason="the files are not beside the checkout")
def test_the_files_next_to_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (CASES / "EXPECTED.tsv").open(newline="") as file:
        cases = list(csv.DictReader(file, delimiter="\t"))
    refused = {"f12", "l14", "l19", "p04"}
    monkeypatch.chdir(tmp_path)

    for case in cases:
        _, _, name, *options = case["command"].split()
        result = invoke("score", CASES / name, *options)

        assert result.exit_code == (2 if name[:3] in refused else 0), (name, result.output)
        assert "--scale" not in result.output
