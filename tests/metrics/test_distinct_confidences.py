from __future__ import annotations

from saysel.metrics.distinct_confidences import DistinctConfidences


def test_counts_values_once_and_unstated_ones_never(make_columns):
    columns = make_columns([0.3, 0.3, None, 0.7, 0.1 + 0.2], [1, 0, 1, 1, 0])
    assert DistinctConfidences().compute(columns) == 2


def test_is_zero_where_nothing_is_stated(make_columns):
    assert DistinctConfidences().compute(make_columns([None, None], [1, 0])) == 0
    assert DistinctConfidences().compute(make_columns([], [])) == 0
