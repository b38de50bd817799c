from __future__ import annotations

from saysel.records import Question
from saysel.sources.halueval import HaluEvalSource
from tests.sources.conftest import Write


def test_files_and_hub(write: Write) -> None:
    row = {
        "knowledge": "The Merrow is a river in Tavia.",
        "question": "In which country is the Merrow?",
        "right_answer": "Tavia",
        "hallucinated_answer": "The Merrow is in Lorne.",
    }
    # The official file is called .json and has an object a line.
    for name in ("qa_data.jsonl", "qa_data.parquet"):
        ((question, _),) = HaluEvalSource(path=write(name, [row])).candidates("train")
        assert question == Question(
            "halueval-1", row["question"], ("Tavia",), ("The Merrow is in Lorne.",)
        )
