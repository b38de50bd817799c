from __future__ import annotations

import re

import pytest

from saysel.report.content import Training
from saysel.report.figures import training_figures


def heights(body: str) -> list[float]:
    (path,) = re.findall(r'd="M([^"]+)"', body)
    return [float(point.split()[1]) for point in path.split("L")]


def test_shares_are_drawn_from_0_to_1_and_others_at_their_own_scale() -> None:
    points = [(1.0, 0.5), (2.0, 0.6), (3.0, 0.7)]
    training = Training("train-ppo", {"accuracy": points, "reward": points})

    drawn = training_figures([training])

    assert list(drawn) == ["training-ppo-accuracy", "training-ppo-reward"]
    shares, own = (heights(figure.body) for figure in drawn.values())
    assert shares == sorted(shares, reverse=True) and own == sorted(own, reverse=True)
    assert own[0] - own[-1] > 3 * (shares[0] - shares[-1])
    assert drawn["training-ppo-reward"].label == "reward of train-ppo: 0.5 at first, 0.7 at the end"


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5])
def test_a_figure_that_does_not_change_is_a_line_in_the_middle(value: float) -> None:
    training = Training("train-sft", {"loss": [(float(k), value) for k in range(5)]})

    (figure,) = training_figures([training]).values()

    assert len(set(heights(figure.body))) == 1
    assert 20 < heights(figure.body)[0] < 110


def test_long_curves_have_few_points_and_keep_the_last() -> None:
    points = [*((float(k), float(k % 7)) for k in range(10_000)), (10_000.0, 50.0)]

    (figure,) = training_figures([Training("train-grpo", {"kl": points})]).values()

    found = heights(figure.body)
    assert len(found) <= 402 and found[-1] == min(found)
