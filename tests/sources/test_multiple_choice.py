from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from saysel.errors import DataError
from saysel.judges.match import MatchJudge
from saysel.records import Question
from saysel.sources.multiple_choice import MultipleChoiceSource
from tests.sources.conftest import Write

MMLU_PRO = {
    "question_id": 70,
    "question": "Which bird wades?",
    "options": ["The wren", "The heron", "The swift"],
    "answer": "B",
    "answer_index": 1,
    "cot_content": "",
    "category": "biology",
    "src": "made_up",
}
PROMPT = """\
Which bird wades?
A) The wren
B) The heron
C) The swift
Answer with the letter of the correct option."""
LABELS = {"label": ["A", "B", "C"], "text": MMLU_PRO["options"]}
LISTED = [{"label": label, "text": text} for label, text in zip("ABC", LABELS["text"], strict=True)]


def questions(write: Write, *rows: Mapping[str, Any], **options: Any) -> list[Question]:
    source = MultipleChoiceSource(path=write("x.json", rows), **options)
    return [question for question, _ in source.candidates("train")]


def test_mmlu_pro(write: Write) -> None:
    assert questions(write, MMLU_PRO) == [
        Question(
            "choice-70",
            PROMPT,
            ("B) The heron",),
            ("A) The wren", "C) The swift"),
            {"category": "biology", "src": "made_up"},
        )
    ]


@pytest.mark.parametrize(
    "row",
    [
        {"id": "c0ffee", "question": "Which bird wades?", "choices": LABELS, "answerKey": "B"},
        {
            "id": "c0ffee",
            "question": {
                "stem": "Which bird wades?",
                "question_concept": "bird",
                "choices": LISTED,
            },
            "answerKey": "B",
        },
        {
            "question": "Which bird wades?",
            "choices": {**LABELS, "label": ["1", "2", "3"]},
            "answerKey": "2",
        },
        {"question": "Which bird wades?", "choices": LABELS["text"], "answer": 1},
        {"question": "Which bird wades?", "choices": str(LABELS["text"]), "answer": "1"},
    ],
    ids=["commonsense_qa", "commonsense_qa-file", "arc", "mmlu", "mmlu-csv"],
)
def test_other_sets(row: dict[str, Any], write: Write) -> None:
    (found,) = questions(write, row)

    assert (found.prompt, found.answers) == (PROMPT, ("B) The heron",))
    assert found.id == ("choice-c0ffee" if "id" in row else "choice-1")


def gpqa(number: int) -> dict[str, str]:
    return {
        "Record ID": f"rec{number}",
        "Question": f"What is made of {number} parts?\n",
        "Correct Answer": "gold\n",
        "Incorrect Answer 1": "tin",
        "Incorrect Answer 2": "lead",
        "Incorrect Answer 3": "zinc",
        "High-level domain": "Chemistry",
        "Writer's Difficulty Estimate": "easy",
    }


def test_gpqa_is_shuffled(write: Write) -> None:
    found = questions(write, *map(gpqa, range(200)))

    letters = Counter(question.answers[0][:2] for question in found)
    assert set(letters) == {"A)", "B)", "C)", "D)"} and min(letters.values()) > 30
    assert {question.answers[0][3:] for question in found} == {"gold"}
    for question in found:
        lines = question.prompt.splitlines()
        assert sorted(lines[1:5]) == sorted([*question.answers, *question.wrong_answers])
    assert found[0].id == "choice-rec0" and found[0].meta == {"High-level domain": "Chemistry"}
    # The same on every machine, and with any other questions around it.
    assert questions(write, gpqa(7)) == [found[7]]
    assert questions(write, *map(gpqa, range(200)), seed=1) != found


def test_other_sets_are_shuffled_on_request(write: Write) -> None:
    rows = [{**MMLU_PRO, "question_id": n, "question": f"Which bird has {n}?"} for n in range(50)]

    found = questions(write, *rows, shuffle=True)

    assert len({question.answers[0][:2] for question in found}) == 3
    assert {question.answers[0][3:] for question in found} == {"The heron"}


@pytest.mark.parametrize("said", ["B", "(B)", "B) The heron", "the heron", "Option B"])
def test_letter_and_text_are_correct(said: str, write: Write) -> None:
    (found,) = questions(write, MMLU_PRO)

    assert MatchJudge().judge([(found, said), (found, "A"), (found, "The swift")]) == [1, 0, 0]


def test_rows_without_a_correct_answer_are_left_out(write: Write) -> None:
    hidden = {"question": "Which bird sinks?", "choices": LABELS, "answerKey": ""}

    assert [q.prompt for q in questions(write, hidden, MMLU_PRO)] == [PROMPT]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"options": None}, "needs a list of 'options' or 'choices', or 'Correct Answer', has"),
        ({"options": ["one"]}, "needs 2 to 26 options (got 1)"),
        ({"options": ["one", " "]}, "an option must be a text (got ' ')"),
        ({"options": ["one", None]}, "an option must be a text (got None)"),
        ({"answer": "D"}, "the correct option is number 3 of 3, from 0"),
        ({"answer": -1}, "the correct option is number -1 of 3, from 0"),
        ({"answer": "The heron"}, "'answer' must be a letter or a number from 0 (got 'The heron')"),
        ({"answer": True}, "'answer' must be a letter or a number from 0 (got True)"),
        ({"options": LABELS, "answerKey": "Z"}, "'answerKey' must be a label of an option"),
        ({"answerKey": "A"}, "'choices' must hold a label and a text for each option"),
    ],
)
def test_a_row_that_cannot_be_read(change: dict[str, Any], message: str, write: Write) -> None:
    with pytest.raises(DataError) as caught:
        questions(write, {**MMLU_PRO, **change})

    assert f"x.json, entry 1: {message}" in str(caught.value)
