"""Two processes train as one does."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from saysel.records import ModelRef
from tests.support.several_processes import compute
from tests.trainers.divided_training import Training, all_results, trainings
from tests.trainers.two_arms import weights

pytestmark = pytest.mark.slow

Trainings = dict[str, Training]


@pytest.fixture(scope="module")
def alone(red: ModelRef, tmp_path_factory: pytest.TempPathFactory) -> Trainings:
    return trainings(red, tmp_path_factory.mktemp("alone"))


@pytest.fixture(scope="module", params=[False, True], ids=["copied", "sharded"])
def divided(
    request: pytest.FixtureRequest, red: ModelRef, tmp_path_factory: pytest.TempPathFactory
) -> Trainings:
    directory = tmp_path_factory.mktemp("divided")
    work = partial(all_results, red, directory)
    (first, first_share), (second, second_share) = compute(directory, work, shard=request.param)
    assert first.keys() == second.keys()
    # Uneven halves: one process may hold a row more of a weight than the other.
    expected = pytest.approx(0.5, abs=0.01) if request.param else 1.0
    assert (first_share, second_share) == (expected, expected)
    return first  # type: ignore[no-any-return]


def test_the_loss_curves_are_the_same(alone: Trainings, divided: Trainings) -> None:
    for name, training in divided.items():
        assert training.figures
        for ours, one in zip(training.figures, alone[name].figures, strict=True):
            assert ours == pytest.approx(one, rel=1e-4, abs=1e-6), name


def test_the_models_are_the_same(alone: Trainings, divided: Trainings) -> None:
    for name, training in divided.items():
        ours, one = weights(training.model), weights(alone[name].model)
        assert ours.keys() == one.keys()
        for key, value in one.items():
            torch.testing.assert_close(ours[key], value, rtol=1e-3, atol=1e-5, msg=f"{name} {key}")
