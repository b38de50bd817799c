from __future__ import annotations

import math

from saysel.metrics.parse_rate import ParseRate


def test_counts_stated_confidences(make_columns):
    assert ParseRate().compute(make_columns([0.0, None, 1.0, None], [1, 1, 0, 0])) == 0.5
    assert ParseRate().compute(make_columns([None], [1])) == 0.0


def test_is_not_defined_without_questions(make_columns):
    assert math.isnan(ParseRate().compute(make_columns([], [])))
