from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.interfaces import Sampler
from saysel.prompting.quoting import NOTICE
from saysel.recipes.faithfulness import Grader
from saysel.records import Generation, Meaning, ModelRef, Reflection
from saysel.samplers.transformers import TransformersSampler
from saysel.stages.grade import grades, grading_prompt, read_grade
from saysel.testing import question

TOLD = [
    Reflection(
        str(number),
        "…",
        "Rome",
        f"Or {{answers}} {number}.",
        1.0,
        9,
        10,
        (
            Meaning(("Rome", "roma"), 0.6, True),
            Meaning(("Oslo",), 0.4, False),
            Meaning(("x",), 0, False),
        ),
    )
    for number in range(3)
]
ASKED = {str(number): question(id=str(number)) for number in range(3)}
PROMPT = "Q: {question}\n{answers}\nR: {rationale}"


@pytest.mark.parametrize(
    ("reply", "grade"),
    [
        ("Score: 7", 7),
        ("It names both answers.\nScore: 10", 10),
        ("**Score:** 7.5", 7.5),
        ("Score: 8/10.", 8),
        ("score = 3", 3),
        ("0", 0),
        (" 9/10\n", 9),
        ("Score: 3\nNo, it is better than that.\nScore: 6", 6),
        # Whatever is not clearly a grade is none.
        ("", None),
        ("seven", None),
        ("Score: 11", None),
        ("Score: 100", None),
        ("Score: -3", None),
        ("-3", None),
        ("Score: 7 because it names both", None),
        ("There are 2", None),
        ("Out of 10 I would say", None),
        ("Score: ٧", None),
    ],
)
def test_reading_a_grade(reply: str, grade: float | None) -> None:
    assert read_grade(reply) == grade


@given(st.text(max_size=40))
def test_any_reply_can_be_read(reply: str) -> None:
    grade = read_grade(reply)

    assert grade is None or 0 <= grade <= 10


def test_the_grader_sees_question_answers_and_rationale() -> None:
    (message,) = grading_prompt(PROMPT, ASKED["0"], TOLD[0])

    assert message["role"] == "user"
    # The rationale's braces are text; answers that no sample gave are not shown.
    assert message["content"] == (
        f'{NOTICE}\n\nQ: {ASKED["0"].prompt}\n- "Rome" (60%)\n- "Oslo" (40%)\n'
        'R: "Or {answers} 0."'
    )


class Hesitant(Sampler):
    """Grades those whose number is in the list of the attempt, which it takes from the seed."""

    willing: dict[int, tuple[str, ...]]

    def sample(
        self, model: ModelRef, prompts: Any, n: int, seed: int
    ) -> Iterator[list[Generation]]:
        for (message,) in prompts:
            number = message["content"].rstrip('."')[-1]
            yield [Generation("Score: 5" if number in self.willing[seed] else "Hm.", 2)]


def test_unreadable_grades_are_requested_again_and_then_missing() -> None:
    willing = {40: ("1",), 41: (), 42: ("0", "1")}
    grader = Grader(
        model={"use": "pretrained", "path": "somewhere"},
        sampler=Hesitant(willing=willing),
        prompt=PROMPT,
        retries=2,
    )
    found = grades(grader, ModelRef("somewhere"), ASKED, TOLD, 40)
    assert [(one.question_id, one.grade) for one in found] == [("0", 5), ("1", 5), ("2", None)]

    once = grader.model_copy(update={"retries": 0})
    found = grades(once, ModelRef("somewhere"), ASKED, TOLD, 40)
    assert [one.grade for one in found] == [None, 5, None]


def test_an_untrained_grader_gives_missing_grades_not_bad_ones(
    small_model: ModelRef,
) -> None:
    grader = Grader(
        model={"use": "pretrained", "path": small_model.path},
        sampler=TransformersSampler(max_tokens=8),
    )

    assert {one.grade for one in grades(grader, small_model, ASKED, TOLD, 0)} == {None}
