from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.records import Prediction, ReplyCounts, Response
from saysel.replies.counts import (
    ReadReply,
    ReplyTally,
    Writer,
    count_replies,
    count_responses,
    tally_from,
    tally_predictions,
)
from saysel.replies.diagnosis import problems, shares

READ = ReadReply("Answer: Rome Confidence: 8", "Rome", 0.8)
BARE = ReadReply("Answer: Rome", "Rome")
PROSE = ReadReply("It is Rome.", None)
CUT = ReadReply("Well, let me", None, cut=True)
EMPTY = ReadReply(" \n", None)


def test_each_reply_is_in_every_count_that_applies() -> None:
    replies = [READ, BARE, PROSE, CUT, EMPTY]

    assert count_replies(replies, states_confidence=True) == ReplyCounts(
        replies=5, no_answer=3, no_confidence=4, cut=1, empty=1, sampled=1, same_text=0
    )
    assert count_replies(replies, states_confidence=False).no_confidence is None
    assert count_replies([PROSE] * 3, False).same_text == 1
    assert count_replies([PROSE], False).sampled == 0


def test_responses_need_not_state_a_confidence() -> None:
    counts = count_responses(
        [
            Response("q", 0, "Answer: Rome", "Rome", 3, None, "stop"),
            Response("q", 1, "Answer: Ro", None, 3, None, "length"),
        ]
    )

    assert counts == ReplyCounts(replies=2, no_answer=1, cut=1, sampled=1)


NUMBERS = st.integers(0, 9)
COUNTS = st.builds(
    ReplyCounts, NUMBERS, NUMBERS, st.none() | NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS
)


@given(COUNTS, COUNTS, COUNTS)
def test_counts_add_up_in_any_order(a: ReplyCounts, b: ReplyCounts, c: ReplyCounts) -> None:
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert ReplyCounts() + a == a


def test_a_prediction_without_counts_is_one_reply() -> None:
    predictions = [
        Prediction("1", "Answer: Rome Confidence: 8", "Rome", None, 0.8),
        Prediction("2", "It is Rome.", None, None, None, finish_reason="length"),
        Prediction("3", "…", "Rome", None, 0.5, reply_counts=ReplyCounts(20, 4, None, 1, 0, 1, 0)),
    ]

    tally = tally_predictions(predictions, "base", states_confidence=True)

    assert tally.counts == ReplyCounts(22, 5, 1, 2, 0, 1, 0)
    assert tally.examples == {
        "no_answer": ["It is Rome."],
        "no_confidence": ["It is Rome."],
        "cut": ["It is Rome."],
    }


def tally(*replies: ReadReply, by: Writer = "base", stated: bool = False) -> ReplyTally:
    """The tally of one reply to each of several questions."""
    tally = ReplyTally(by)
    for reply in replies:
        tally.add(count_replies([reply], stated), [reply])
    return tally


def test_the_manifest_keeps_a_tally() -> None:
    kept = tally(PROSE, ReadReply("x" * 500, None), CUT, PROSE)

    assert kept.examples["no_answer"] == ["It is Rome.", "x" * 200 + "…"]
    assert tally_from(json.loads(json.dumps(kept.record()))) == kept


@pytest.mark.parametrize(
    ("replies", "name", "advice"),
    [
        ([PROSE] * 6 + [BARE] * 94, "no_answer", "elicit.shots"),
        ([CUT] * 6 + [BARE] * 94, "no_answer", "most of them were cut: increase max_tokens"),
        # Replies that ended by themselves cannot be read either.
        ([CUT] * 5 + [PROSE] * 1, "no_answer", "elicit.shots"),
        ([EMPTY] * 6 + [BARE] * 94, "empty", "chat template and end token"),
    ],
)
def test_above_a_limit_there_is_advice_on_the_actual_reason(
    replies: list[ReadReply], name: str, advice: str
) -> None:
    first = problems(tally(*replies))[0]
    assert first.name == name and first.text.startswith(f"6 of {len(replies)} replies ")
    assert advice in first.text
    assert problems(tally(*replies[1:6], *[BARE] * 95)) == []


def test_training_may_have_many_unreadable_replies_and_few_replies_mean_nothing() -> None:
    assert problems(tally(*[PROSE] * 50, *[BARE] * 50, by="training")) == []
    (problem,) = problems(tally(*[PROSE] * 51, *[BARE] * 49, by="training"))
    assert "fine-tune it longer before this phase" in problem.text
    assert problems(tally(PROSE, PROSE)) == []


def test_a_missing_confidence_is_a_problem_where_one_is_expected() -> None:
    replies = [BARE] * 6 + [READ] * 94

    assert problems(tally(*replies)) == []
    (problem,) = problems(tally(*replies, by="trained", stated=True))
    assert problem.text.startswith("6 of 100 replies have an answer but no readable confidence: ")
    assert "train longer on it (sft)" in problem.text
    assert problem.examples == ("Answer: Rome",)


def test_samples_that_all_have_the_same_text() -> None:
    same, different = [BARE, BARE], [BARE, READ]

    def problem(*questions: list[ReadReply]) -> list[str]:
        tally = ReplyTally("base")
        for replies in questions:
            tally.add(count_replies(replies, False), replies)
        return [problem.text.partition(": ")[0] for problem in problems(tally)]

    assert problem(same, different, different) == []
    assert problem(same, different) == [
        "for 1 of 2 questions, all samples have the same text",
    ]


def test_shares_are_shown_where_there_is_something_to_show() -> None:
    assert shares(tally(BARE, READ).counts) == "all replies readable"
    assert shares(tally(BARE, PROSE, CUT, EMPTY, stated=True).counts) == (
        "75.0% without an answer, 100.0% without a confidence, 25.0% cut, 25.0% empty"
    )
    assert problems(ReplyTally("file")) == []
