"""Which response each target learns, with which confidence."""

from __future__ import annotations

import pytest

from saysel.interfaces import Target
from saysel.testing import check_target, clusters, question
from saysel_rivals.expected_accuracy import ExpectedAccuracyTarget
from saysel_rivals.group_accuracy import GroupAccuracyTarget
from saysel_rivals.r_tuning import RTuningTarget

FOUND = clusters({"Rome": 5, "Paris": 3, "Oslo": 2})


@pytest.mark.parametrize(
    "target",
    [RTuningTarget(), ExpectedAccuracyTarget(), GroupAccuracyTarget(label="relation")],
    ids=repr,
)
def test_contract(target: Target) -> None:
    check_target(target)


def chosen(target: Target, correct: list[float | None]) -> tuple[str | None, float] | None:
    found = target.target(question(meta={"relation": "capital"}), FOUND, correct)
    return found and (found[0].answer, found[1])


def test_r_tuning_is_sure_of_its_usual_answer_or_not() -> None:
    assert chosen(RTuningTarget(), [1.0, 0.0, 0.0]) == ("Rome", 1.0)
    assert chosen(RTuningTarget(), [0.0, 1.0, 0.0]) == ("Rome", 0.0)
    assert chosen(RTuningTarget(), [None, 1.0, 0.0]) is None


def test_expected_accuracy_is_the_share_of_right_samples() -> None:
    target = ExpectedAccuracyTarget()

    assert chosen(target, [0.0, 1.0, 0.0]) == ("Paris", pytest.approx(0.3))
    assert chosen(target, [0.0, 0.0, 0.0]) == ("Rome", 0.0)
    assert chosen(target, [0.0, 1.0, None]) == ("Paris", pytest.approx(0.375))
    assert chosen(target, [None, None, None]) is None


def test_group_accuracy_is_the_mean_over_questions_of_one_label() -> None:
    items = [
        (question(id="a", meta={"relation": "capital"}), FOUND, [1.0, 0.0, 0.0]),
        (question(id="b", meta={"relation": "capital"}), FOUND, [0.0, 0.0, 1.0]),
        (question(id="c", meta={"relation": "river"}), FOUND, [1.0, 1.0, 1.0]),
        (question(id="d"), FOUND, [1.0, 1.0, 1.0]),
        (question(id="e", meta={"relation": "capital"}), [], []),
    ]
    target = GroupAccuracyTarget(label="relation")
    fitted = target.fit(items)

    assert chosen(fitted, [0.0, 1.0, 0.0]) == ("Paris", pytest.approx(0.35))
    assert fitted.target(items[3][0], FOUND, [1.0, 1.0, 1.0]) is None
    assert target.target(items[0][0], FOUND, [1.0, 0.0, 0.0]) is None  # the other is as it was
