from __future__ import annotations

from math import log

import pytest
from pydantic import ValidationError

from saysel.metrics.nll import Nll


def test_values_worked_out_by_hand(make_columns):
    assert Nll().compute(make_columns([0.5], [1])) == pytest.approx(log(2))
    value = Nll().compute(make_columns([0.8, 0.1, None], [1, 0, 1]))
    assert value == pytest.approx(-(log(0.8) + log(0.9)) / 2)


def test_a_sure_mistake_costs_the_clip(make_columns):
    for confidence, correct in ((1.0, 0), (0.0, 1)):
        columns = make_columns([confidence], [correct])
        assert Nll().compute(columns) == pytest.approx(-log(0.001))
        assert Nll(clip=1e-15).compute(columns) == pytest.approx(-log(1e-15))
    assert Nll().compute(make_columns([1.0, 0.0], [1, 0])) == pytest.approx(-log(0.999))


def test_a_clip_leaves_room(make_columns):
    for clip in (0, 0.5):
        with pytest.raises(ValidationError):
            Nll(clip=clip)
