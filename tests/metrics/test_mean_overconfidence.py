from __future__ import annotations

import pytest

from saysel.errors import PluginError
from saysel.metrics.mean_overconfidence import MeanOverconfidence
from saysel.registry import find


def test_above_zero_is_overconfident(make_columns):
    assert MeanOverconfidence().compute(make_columns([0.9, 0.9], [1, 0])) == pytest.approx(0.4)
    assert MeanOverconfidence().compute(make_columns([0.1, 0.3], [1, 0])) == pytest.approx(-0.3)


def test_errors_can_cancel(make_columns):
    assert MeanOverconfidence().compute(make_columns([1.0, 0.0], [0, 1])) == 0


def test_the_accuracy_is_that_of_answers_with_a_confidence(make_columns):
    assert MeanOverconfidence().compute(make_columns([0.5, None], [1, 0])) == -0.5


def test_its_old_name_is_refused_with_the_new_one():
    with pytest.raises(PluginError, match="'signed_gap' is now called 'mean_overconfidence'"):
        find("metric", "signed_gap")
