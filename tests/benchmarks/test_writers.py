"""The benchmark of faithfulness runs on any finished run of the witness world."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

from benchmarks.faithfulness import writers


def test_it_measures_every_writer_and_one_from_a_file(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "short.yaml"
    own.write_text("{use: template, max_answers: 1}")
    arguments = ["--questions", "8", "--n", "3", "--writer", own, "--out", tmp_path / "out"]
    monkeypatch.setattr(sys, "argv", ["writers.py", *map(str, [tiny_run, *arguments])])

    writers.main()

    with (tmp_path / "out" / "results.csv").open(newline="") as file:
        found = {row["writer"] for row in csv.DictReader(file)}
    expected = {"faithful", "shuffled", "random", "generic", "short", "model (ppo)"}
    assert found == expected
