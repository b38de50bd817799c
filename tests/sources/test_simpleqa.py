from __future__ import annotations

from saysel.judges.match import MatchJudge
from saysel.records import Question
from saysel.sources.simpleqa import SimpleQASource
from tests.sources.conftest import Write


def test_simpleqa_verified(write: Write) -> None:
    row = {
        "original_index": 5,
        "problem": "How many herons wade at Lake Ninefold?",
        "answer": "38 (acceptable range: anything between 37 and 39)",
        "topic": "Geography",
        "answer_type": "Number",
        "multi_step": False,
        "requires_reasoning": False,
        "urls": "https://example.org",
    }
    ((found, _),) = SimpleQASource(path=write("x.csv", [row])).candidates("train")

    assert found == Question(
        "simpleqa-5",
        "How many herons wade at Lake Ninefold?",
        ("38", "38 (acceptable range: anything between 37 and 39)"),
        meta={"topic": "Geography", "answer_type": "Number"},
    )
    assert MatchJudge().judge([(found, "38"), (found, "37"), (found, "40")]) == [1, 0, 0]


def test_simpleqa(write: Write) -> None:
    rows = [{"metadata": "{}", "problem": "Who dug Lake Ninefold?", "answer": "Ann (or Anna)"}]
    ((found, _),) = SimpleQASource(path=write("x.csv", rows)).candidates("train")

    assert (found.id, found.answers, found.meta) == ("simpleqa-1", ("Ann (or Anna)",), {})
