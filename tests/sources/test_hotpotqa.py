from __future__ import annotations

from saysel.records import Question
from saysel.sources.hotpotqa import HotpotQASource
from tests.sources.conftest import Write


def test_the_columns_of_files_and_hub(write: Write) -> None:
    asked = {"question": "Which town has the older bridge, Velm or Tarro?", "answer": "Velm"}
    context = {"supporting_facts": [["Velm", 0]], "context": [["Velm", ["Velm has a bridge."]]]}
    official = {"_id": "5a7a", **asked, "type": "comparison", "level": "hard", **context}
    yes = {"id": "5b1c", "question": "Are both towns?", "answer": "yes", "type": None}

    questions = [q for q, _ in HotpotQASource(path=write("x.json", [official, yes])).candidates("")]

    assert questions == [
        Question(
            "hotpotqa-5a7a",
            asked["question"],
            ("Velm",),
            meta={"type": "comparison", "level": "hard"},
        ),
        Question("hotpotqa-5b1c", "Are both towns?", ("yes",)),
    ]
