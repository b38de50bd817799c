from __future__ import annotations

from collections import Counter

import pytest

from saysel.errors import DataError
from saysel.records import Question
from saysel.sources.fever import FeverSource
from tests.sources.conftest import Write, release

WRAPPED = (
    "Please provide your reasoning with your knowledge, then answer: "
    "Is the following statement true?\n"
    "Lake Orrin is deep.\n"
    'If the previous statement is true, reply "true".\n'
    'If the previous statement is false, reply "false".\n'
    'If you cannot verify the previous statement, reply "unknown".'
)
ASKED = "Is this statement true? Lake Orrin is deep. Answer true, false or unknown."


def test_the_schema_of_the_release(write: Write) -> None:
    rows = [{"question": WRAPPED, "answer": "unknown", "negative_answer": "true/false"}]
    ((question, _),) = FeverSource(path=write("x.json", rows)).candidates("train")

    assert question == Question("fever-1", ASKED, ("unknown",), ("true", "false"))


@pytest.mark.parametrize(
    ("label", "answer"),
    [("SUPPORTS", "true"), ("REFUTES", "false"), ("NOT ENOUGH INFO", "unknown")],
)
def test_the_official_schema(label: str, answer: str, write: Write) -> None:
    rows = [{"id": 7, "verifiable": "", "label": label, "claim": "Lake Orrin is deep."}]
    ((question, _),) = FeverSource(path=write("x.jsonl", rows)).candidates("train")

    assert (question.prompt, question.answers) == (ASKED, (answer,))


def test_a_claim_with_two_labels_is_left_out(write: Write) -> None:
    claims = [("A hums.", "SUPPORTS"), ("B hums.", "SUPPORTS"), ("C hums.", "REFUTES")]
    again = [("a hums.", "SUPPORTS"), ("B hums.", "REFUTES"), ("B hums.", "SUPPORTS")]
    rows = [{"claim": claim, "label": label} for claim, label in claims + again]
    found = [q for q, _ in FeverSource(path=write("x.jsonl", rows)).candidates("train")]

    assert [(q.id, q.answers) for q in found] == [("fever-1", ("true",)), ("fever-3", ("false",))]


def test_another_label_is_refused(write: Write) -> None:
    path = write("x.jsonl", [{"claim": "A hums.", "label": "DISPUTED"}])
    with pytest.raises(DataError, match="must be true or false or unknown \\(got 'DISPUTED'\\)"):
        list(FeverSource(path=path).questions("train"))


def test_the_release() -> None:
    rows, path = release("fever_data.json")
    found = [q for q, _ in FeverSource(path=path).candidates("train")]

    assert len(rows) == 9999
    labels: dict[str, set[str]] = {}
    for row in rows:
        claim = " ".join(row["question"].splitlines()[1].casefold().split())
        labels.setdefault(claim, set()).add(row["answer"])
    assert len(found) == sum(len(named) == 1 for named in labels.values()) == 9830
    assert min(Counter(q.answers[0] for q in found).values()) > 3200
    assert not any("reply" in q.prompt and "\n" in q.prompt for q in found)
