from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from saysel.api.abstaining import AnswerOrAbstain
from saysel.errors import UsageError
from saysel.interfaces import Parsed
from saysel.scoring.risk_control import Threshold
from saysel.serving.confidence import Confidence
from saysel.serving.model import ServedReply

RULE = AnswerOrAbstain(0.1, Threshold(0.8, answers=60, wrong=1, questions=100), 100, "heldout")
REPLY = ServedReply(
    "the reply", Parsed("Paris", "I know it.", 0.8), 5, 4, False, {0.8: 0.5, 0.2: 0.25, 1.0: 0.25}
)


def decision(reply: ServedReply, rule: AnswerOrAbstain = RULE) -> dict[str, Any]:
    found: dict[str, Any] = Confidence().describe(reply, rule)["decision"]
    return found


def test_the_parts_and_the_confidence_of_a_reply() -> None:
    described = Confidence(lambda confidences: confidences / 2).describe(REPLY)

    assert (described["answer"], described["rationale"]) == ("Paris", "I know it.")
    assert "decision" not in described
    # 0.8 * 0.5 + 0.2 * 0.25 + 1 * 0.25
    assert described["confidence"] == {
        "stated": 0.8,
        "expected": 0.7,
        "recalibrated": 0.35,
        "distribution": [
            {"confidence": 0.2, "probability": 0.25},
            {"confidence": 0.8, "probability": 0.5},
            {"confidence": 1.0, "probability": 0.25},
        ],
    }
    assert Confidence().describe(REPLY)["confidence"]["recalibrated"] is None


def test_the_stated_confidence_decides_because_the_threshold_was_chosen_on_it() -> None:
    # The expected confidence, 0.7, is below the threshold.
    assert decision(REPLY) == {"answer": True, "withheld": None, "risk": 0.1, "threshold": 0.8}

    unsure = decision(replace(REPLY, parsed=Parsed("Paris", None, 0.7)))
    assert (unsure["answer"], unsure["withheld"]) == (False, "its confidence of 70% is below 80%")


@pytest.mark.parametrize(
    ("parsed", "withheld"),
    [
        (Parsed("Paris", None, None), "it states no confidence"),
        (Parsed(None, None, 0.9), "it has no answer"),
        (Parsed(None, None, None, declined=True), "it has no answer"),
    ],
)
def test_what_states_no_answer_or_no_confidence_is_withheld(parsed: Parsed, withheld: str) -> None:
    found = decision(replace(REPLY, parsed=parsed))

    assert (found["answer"], found["withheld"]) == (False, withheld)


def test_without_a_threshold_everything_is_withheld() -> None:
    found = decision(REPLY, replace(RULE, threshold=None))

    assert (found["answer"], found["threshold"]) == (False, None)


def test_the_rule_is_chosen_once_for_each_risk() -> None:
    chosen: list[float] = []

    def rule_at(risk: float) -> AnswerOrAbstain:
        chosen.append(risk)
        return replace(RULE, risk=risk)

    confidence = Confidence(rule_at=rule_at)
    rules = [confidence.rule(risk) for risk in (0.1, 0.2, 0.1)]

    assert [rule and rule.risk for rule in rules] == [0.1, 0.2, 0.1]
    assert chosen == [0.1, 0.2]
    assert confidence.rule(None) is None
    with pytest.raises(UsageError, match="only the model of a run directory"):
        Confidence().rule(0.1)
