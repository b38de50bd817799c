from __future__ import annotations

import pytest

from saysel.formats.sayself import SaySelfFormat
from saysel.judges.match import MatchJudge
from saysel.rewards.quadratic import QuadraticReward
from saysel.testing import question
from saysel.trainers.earned import Earned, earned


def test_replies_are_read_judged_and_rewarded() -> None:
    texts = ["Answer: Paris Confidence: 8", "Answer: Rome Confidence: 6", "Confidence: 9", "…"]

    found = earned(
        "ppo",
        [question()] * 4,
        texts,
        [False] * 4,
        SaySelfFormat(),
        MatchJudge(),
        QuadraticReward(),
    )

    assert (found.rows, found.correct) == ([0, 1, 2, 3], [1, 0, 0, 0])
    assert found.stated == [
        0.8,
        0.6,
        None,
        None,
    ]  # without an answer there is nothing to be sure of
    assert found.rewards == pytest.approx([0.92, 0.28, -1, -1])


def test_a_number_that_the_limit_cut_is_not_read() -> None:
    texts = ["Answer: Paris Confidence: 1"] * 2

    found = earned(
        *("ppo", [question()] * 2, texts, [True, False]),
        *(SaySelfFormat(), MatchJudge(), QuadraticReward()),
    )

    assert found.stated == [None, 0.1]


def test_what_is_not_stated_is_no_doubt() -> None:
    figures = Earned([0, 1, 2, 3], [1, 0, 0, 1], [0.8, 0.6, None, None], [1, 0.5, -1, -1]).figures()

    assert figures == {
        "reward": -0.125,
        "accuracy": 0.5,
        "confidence": pytest.approx(0.7),
        "parse_rate": 0.5,
    }
