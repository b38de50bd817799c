from __future__ import annotations

import html
from pathlib import Path

from saysel.records import ReplyCounts
from saysel.replies.counts import ReplyTally
from saysel.report import write
from saysel.report.reply_counts import section
from tests.report.conftest import HOSTILE, MakeReport

SAMPLED = ReplyTally(
    "base",
    ReplyCounts(replies=200, no_answer=150, cut=1, sampled=10, same_text=2),
    {"no_answer": ["It is Rome.", " ".join(HOSTILE)]},
)
TARGET = {
    "questions": 10,
    "examples": 2,
    "without_example": {"no_answer": 8, "unjudged": 0, "rejected": 0, "no_rationale": 0},
}


def test_there_is_a_line_per_stage_and_replies_that_show_a_problem(make_report: MakeReport) -> None:
    stages = {"sample": {"replies": SAMPLED.record()}, "cluster": {}, "target": TARGET}

    shown = section(make_report(manifest={"stages": stages}))

    assert shown is not None
    assert shown["lines"] == [
        {"name": "sample", "cells": ["200", "75.0%", "–", "0.0%", "0.5%", "0.0%", "20.0%"]}
    ]
    assert shown["notes"] == [("target", "2 examples; 8 questions have no readable answer")]
    ((name, problem),) = shown["problems"]
    assert (name, problem.examples[0]) == ("sample", "It is Rome.")


def test_rows_of_a_file_have_lines_and_old_runs_have_none(make_report: MakeReport) -> None:
    row = make_report.row("replies.jsonl", "tags")
    old = make_report(rows=(row,))
    assert section(old) is None

    counted = make_report(manifest={}, rows=(row.__class__(**{**vars(row), "replies": SAMPLED}),))
    shown = section(counted)
    assert shown is not None and [line["name"] for line in shown["lines"]] == [row.name]


def test_replies_on_the_page_are_text(make_report: MakeReport, tmp_path: Path) -> None:
    write(make_report(manifest={"stages": {"sample": {"replies": SAMPLED.record()}}}), tmp_path)

    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Could the replies be read?" in page
    assert "<script>alert(1)" not in page and html.escape("<script>alert(1)") in page
