from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from saysel.metrics.tokens import Tokens


def test_counts_the_tokens_of_every_answer(make_columns):
    columns = replace(make_columns([0.5, None], [1, 0]), tokens=np.array([10.0, 30.0]))
    assert Tokens().compute(columns) == 20
    assert Tokens().compute(columns.take(np.array([1, 1, 0]))) == 70 / 3


def test_undefined_without_token_counts(make_columns):
    assert math.isnan(Tokens().compute(make_columns([0.5], [1])))
    assert math.isnan(Tokens().compute(replace(make_columns([], []), tokens=np.array([]))))
