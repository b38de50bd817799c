from __future__ import annotations

import pytest

from saysel import testing
from saysel.interfaces import JudgedReply
from saysel.records import Question
from saysel.rewards.faithful import FaithfulReward, as_reflection
from saysel.testing import question

#: Of ten fresh replies six say Paris, three Rome and one cannot be read.
SAMPLES = ("Paris",) * 6 + ("Rome", "rome", "Rome.") + (None,)


def reply(rationale: str | None, answer: str | None = "Paris") -> JudgedReply:
    return JudgedReply(question(), "", answer, rationale, 0.6, 1.0, samples=SAMPLES)


def reward(rationale: str | None, answer: str | None = "Paris", price: float = 0.2) -> float:
    other = JudgedReply(Question("other", "Which one?", ("Oslo",)), "", "Oslo", None, 0.6, 1.0)
    rewards = FaithfulReward(price=price).rewards([reply(rationale, answer), other])
    return rewards[0].rationale


def test_contract() -> None:
    testing.check_reward(FaithfulReward())


@pytest.mark.parametrize(
    ("rationale", "expected"),
    [
        # The only other answer has a share of 0.3.
        ("I would often say Paris, sometimes Rome.", 1.0),
        ("I would often say Paris.", 0.7),
        (None, 0.7),
        # An answer of another question of the batch, which no fresh reply gives, costs 0.2.
        ("I would often say Paris, sometimes Oslo.", 0.5),
        ("I would often say Paris, sometimes Rome, rarely Oslo.", 0.8),
        ("Sometimes Rome, sometimes Rome, sometimes Rome.", 1.0),
        ("It is surely not Rome.", 0.7),
        ("It is Paris or Timbuktu.", 0.5),
    ],
)
def test_by_hand(rationale: str | None, expected: float) -> None:
    assert reward(rationale) == pytest.approx(expected)


def test_an_answer_that_differs_from_most_samples_has_more_to_name() -> None:
    # The reply says Rome, so Paris, with a share of 0.6, is what it has to name.
    assert reward("I would sometimes say Rome.", "Rome") == pytest.approx(0.4)
    assert reward("I would often say Paris.", "Rome") == pytest.approx(1.0)


def test_without_samples_or_an_answer_nothing_is_learned() -> None:
    assert reward("I would often say Paris.", None) == 0
    bare = JudgedReply(question(), "", "Paris", "or Rome", 0.6, 1.0)
    assert FaithfulReward().rewards([bare])[0].rationale == 0


def test_the_meanings_of_the_samples() -> None:
    meanings = as_reflection(reply(None)).meanings

    assert [(one.wordings[0], one.share, one.own) for one in meanings] == [
        ("Paris", 0.6, True),
        ("Rome", 0.3, False),
    ]
