from __future__ import annotations

import json
from pathlib import Path

import pytest

from saysel.errors import StageError
from saysel.report import write


def test_write_makes_every_file_and_leaves_no_other(make_report, tmp_path):
    write(make_report(), tmp_path / "report")
    files = {str(p.relative_to(tmp_path / "report")) for p in tmp_path.rglob("*") if p.is_file()}
    figures = {name for name in files if name.startswith("figures/")}
    assert {name for name in files - figures if not name.startswith(".")} == {
        "index.html",
        "metrics.json",
        "scores.csv",
        "scores.md",
        "scores.tex",
        "predictions.csv",
    }
    assert len(figures) == 2 * 4 + 1 + 4 and all(name.endswith(".svg") for name in figures)
    metrics = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert [row["model"] for row in metrics["rows"]] == ["base", "base", "ppo", "ideal"]


def test_writing_again_gives_the_same_bytes_and_drops_old_figures(make_report, tmp_path):
    write(make_report(), tmp_path)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    write(make_report(), tmp_path)
    assert before == {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    write(make_report(rows=()), tmp_path)
    assert list((tmp_path / "figures").iterdir()) == []


def test_only_files_of_an_earlier_report_are_removed(make_report, tmp_path):
    own = ["figures/paper.pdf", "figures/paper.svg", "figures/plots/a.png"]
    own += ["settings.py", "settings.json", "settings.csv"]
    for name in own:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("<svg/>")
    write(make_report(), tmp_path)
    drawn = next((tmp_path / "figures").glob("reliability-*.svg"))
    drawn.with_suffix(".pdf").write_bytes(b"as saysel report --figures pdf writes it")

    write(make_report(rows=()), tmp_path)

    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left >= set(own)
    assert {name for name in left if name.startswith("figures/")} == set(own[:3])


def test_a_file_that_can_not_be_finished_leaves_the_old_one(make_report, tmp_path, monkeypatch):
    write(make_report(), tmp_path)
    before = (tmp_path / "index.html").read_bytes()

    def fail(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(StageError, match="the disk is full"):
        write(make_report(title="another"), tmp_path)
    assert (tmp_path / "index.html").read_bytes() == before
    assert not [p for p in tmp_path.rglob("*.tmp")]


def test_hostile_text_can_be_written(hostile_report, tmp_path):
    write(hostile_report, tmp_path)
    assert "<script>alert" not in (tmp_path / "index.html").read_text(encoding="utf-8")
