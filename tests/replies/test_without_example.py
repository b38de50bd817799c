from __future__ import annotations

import pytest

from saysel.replies.without_example import no_examples, problems, reason, summary
from saysel.testing import clusters

FOUND = clusters({"Rome": 3, "Paris": 1})


@pytest.mark.parametrize(
    ("correct", "accepted", "expected"),
    [
        ([0.0, 0.0], False, "rejected"),
        ([0.0, None], False, "unjudged"),
        ([1.0, None], True, "no_rationale"),
    ],
)
def test_each_question_without_an_example_has_one_reason(
    correct: list[float | None], accepted: bool, expected: str
) -> None:
    assert reason(FOUND, correct, accepted) == expected
    assert reason([], [], accepted=False) == "no_answer"


def record(examples: int, **reasons: int) -> dict[str, object]:
    counts = {"no_answer": 0, "unjudged": 0, "rejected": 0, "no_rationale": 0, **reasons}
    questions = examples + sum(counts.values())
    return {"questions": questions, "examples": examples, "without_example": counts}


def test_all_reasons_are_counted_in_one_line() -> None:
    assert summary(record(7)) == "7 examples"
    assert summary(record(3, no_answer=1_100, rejected=7, no_rationale=2)) == (
        "3 examples; 1,100 questions have no readable answer, 7 no answer that the target accepts, "
        "2 no rationale"
    )


@pytest.mark.parametrize(
    ("reasons", "words", "advice"),
    [
        ({"no_answer": 9, "rejected": 3}, "no readable answer", "elicit.shots"),
        ({"no_answer": 3, "rejected": 9}, "no answer that the target accepts", "sample.n"),
        ({"unjudged": 9, "rejected": 3}, "answers that the judge could not judge", "the judge"),
        ({"no_rationale": 9, "rejected": 3}, "no rationale", "the rationale writer"),
    ],
)
def test_the_error_names_the_main_reason_and_what_to_do(
    reasons: dict[str, int], words: str, advice: str
) -> None:
    message = no_examples("sft", record(0, **reasons))

    assert message.startswith(
        f"sft: there are no examples to train on: 9 of 12 questions have {words}: "
    )
    assert advice in message
    (problem,) = problems(record(0, **reasons))
    assert problem.startswith("0 examples; ") and problem.endswith(message.rpartition(words)[2])


def test_wrong_answers_are_no_problem_as_long_as_some_are_right() -> None:
    assert problems(record(20, rejected=80, no_answer=20)) == []
    assert problems(record(95, no_rationale=5)) == []
    (problem,) = problems(record(94, unjudged=6))
    assert problem.startswith("6 of 100 questions have answers that the judge could not judge, ")


def test_a_record_of_an_earlier_version_knows_no_reasons() -> None:
    message = no_examples("sft", {"questions": 9, "examples": 0})
    assert message.endswith("to train on: look at the records of the stages sample and target")
