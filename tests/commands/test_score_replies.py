"""Whole replies, as users have them in files, through `saysel score --format`."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from tests.support.end_to_end import invoke

SHARED = Path(__file__).parents[3] / "shared" / "cases" / "replies.jsonl"
#: Reply, format, what should be read from it.
CASES = [
    (
        "<think>Answer: Rome\nConfidence: 2</think>\nAnswer: Oslo\nConfidence: 8",
        "sayself",
        "Oslo",
        0.8,
    ),
    (
        "Hm: Answer: Rome Confidence: 2\n</think>\nAnswer: Oslo\nConfidence: 8",
        "sayself",
        "Oslo",
        0.8,
    ),
    ("<think>Answer: Rome\nConfidence: 2", "sayself", None, None),
    (
        "## Final Answer: 7\n\n* **Self-Reflection:** fine\n* **CONFIDENCE:** 8 out of 10",
        "sayself",
        "7",
        0.8,
    ),
    ("Answer：Oslo\nConfidence：８", "sayself", "Oslo", 0.8),
    ("Answer: Oslo\nConfidence: 0.8", "sayself", "Oslo", None),
    ("Answer: Oslo\nConfidence: 80%", "sayself", "Oslo", None),
    ("**Answer:** Oslo\n**Confidence:** 80%<|eot_id|>", "percent", "Oslo", 0.8),
    ("Answer: Oslo\nConfidence: 0.8", "percent", "Oslo", None),
    ("Answer: Oslo\nConfidence: 0.8", "fraction", "Oslo", 0.8),
    ("Answer: Oslo\nConfidence: 8", "fraction", "Oslo", None),
    (
        "<think>x</think><answer> Oslo</answer></answer><confidence>.8</confidence>",
        "tags",
        "Oslo",
        0.8,
    ),
    ("<think><answer>Rome</answer><confidence>0.1</confidence>", "tags", None, None),
]


def shared() -> list[tuple[str, str, str | None, float | None]]:
    lines = map(json.loads, SHARED.read_text().splitlines()) if SHARED.is_file() else []
    return [
        (case["reply"], case["format"], case["expected_answer"], case["expected_confidence"])
        for case in lines
    ]


def check(cases: Any, directory: Path) -> None:
    for format, group in groupby(sorted(cases, key=lambda case: case[1]), lambda case: case[1]):
        expected = {f"q{number}": case for number, case in enumerate(group)}
        rows = [
            {"id": id, "output": reply, "gold": answer or "unknown"}
            for id, (reply, _, answer, _) in expected.items()
        ]
        file = directory / f"{format}.jsonl"
        file.write_text("\n".join(map(json.dumps, rows)))

        out = directory / format
        result = invoke("score", file, "--format", format, "--out", out)

        assert result.exit_code == 0, result.output
        assert len(rows) >= 2
        content = json.loads((out / "metrics.json").read_text())["rows"][0]
        stated = [confidence for _, _, _, confidence in expected.values() if confidence is not None]
        answers = [answer for _, _, answer, _ in expected.values() if answer is not None]
        assert content["used"] == len(stated)
        # Each accepted answer is what should have been read.
        assert content["metrics"]["accuracy"]["value"] == pytest.approx(len(answers) / len(rows))


def test_replies(tmp_path: Path) -> None:
    check(CASES, tmp_path)


@pytest.mark.skipif(not SHARED.is_file(), reason="the shared cases are not beside the repository")
def test_shared_cases(tmp_path: Path) -> None:
    check(shared(), tmp_path)
