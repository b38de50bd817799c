from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from saysel.errors import DataError
from saysel.interfaces import PredictionArrays

NAN = float("nan")


def same(arrays: PredictionArrays, correct: list[float], confidence: list[float]) -> bool:
    assert arrays.correct.dtype == arrays.confidence.dtype == np.float64
    return np.array_equal(arrays.correct, correct) and np.array_equal(
        arrays.confidence, confidence, equal_nan=True
    )


@pytest.mark.parametrize(
    ("correct", "confidence"),
    [
        ([1, 0, True], [0.9, None, 1]),
        ((1.0, False, 1), (Decimal("0.9"), NAN, np.float32(1))),
        (np.array([True, False, True]), np.array([0.9, NAN, 1.0])),
        (np.array([1, 0, 1], dtype=np.int8), np.array([0.9, None, 1], dtype=object)),
        (np.array([1, 0, 1]), np.ma.masked_array([0.9, 0.5, 1], [False, True, False])),
        (pd.Series([1, 0, 1], dtype="Int64"), pd.Series([0.9, None, 1.0])),
        (pd.Series([True, False, True], dtype="boolean"), pd.Series([0.9, pd.NA, 1], dtype=object)),
        (pd.Series([1, 0, 1]), pd.Series([0.9, None, 1.0], dtype="Float64")),
        (
            pd.Series([1, 0, 1], index=[7, 8, 7]),
            pd.Series([0.9, pd.NA, 1], dtype="double[pyarrow]"),
        ),
        (pl.Series([True, False, True]), pl.Series([0.9, None, 1.0])),
        (pl.Series([1, 0, 1]), pl.Series([0.9, NAN, 1.0])),
        (pa.array([1, 0, 1]), pa.chunked_array([[0.9, None], [1.0]])),
    ],
)
def test_columns_from_lists_numpy_pandas_polars_and_pyarrow(correct, confidence):
    assert same(PredictionArrays(correct, confidence), [1, 0, 1], [0.9, NAN, 1])


def test_nullable_integers_and_booleans_with_missing_confidence():
    for column in (
        pd.Series([1, None, 0], dtype="Int64"),
        pd.Series([True, None, False], dtype="boolean"),
        pl.Series([1, None, 0]),
        pl.Series([True, None, False]),
    ):
        assert same(PredictionArrays([1, 1, 0], column), [1, 1, 0], [1, NAN, 0])


def test_no_predictions():
    assert len(PredictionArrays([], [])) == 0
    assert len(PredictionArrays(pd.Series([], dtype=float), pl.Series([], dtype=pl.Float64))) == 0


def test_tokens_may_be_any_count():
    tokens = PredictionArrays([1, 0], [0.5, 0.5], tokens=pd.Series([120, None])).tokens
    assert tokens is not None and tokens[0] == 120 and np.isnan(tokens[1])


@pytest.mark.parametrize(
    "labels",
    [
        ["b", "a", "b", "c"],
        [12, "a", 12, None.__class__],
        np.array([900, 7, 900, 8]),
        np.array([2.5, 0.5, 2.5, 1.5]),
        pd.Series(["b", "a", "b", "c"], dtype="category"),
        pl.Series(["b", "a", "b", "c"]),
    ],
)
def test_clusters_of_any_labels_are_numbered_by_first_appearance(labels):
    arrays = PredictionArrays([1, 0, 1, 0], [0.5] * 4, cluster=labels)
    assert arrays.cluster is not None and arrays.cluster.tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"confidence": [0.5]},
            "confidence has 1 values and correct has 2: give one value per prediction",
        ),
        (
            {"cluster": ["a"]},
            "cluster has 1 values and correct has 2: give one value per prediction",
        ),
        (
            {"confidence": [0.5, 85]},
            "confidence[1]: expected a number from 0 to 1 (got 85); divide percentages by 100",
        ),
        (
            {"confidence": pd.Series([0.5, -0.1])},
            "confidence[1]: expected a number from 0 to 1 (got -0.1), or None where it is missing",
        ),
        (
            {"confidence": np.array([np.inf, 0.5])},
            "confidence[0]: expected a number from 0 to 1 (got inf), or None where it is missing",
        ),
        (
            {"confidence": ["high", 0.5]},
            "confidence[0]: expected a number from 0 to 1 (got 'high'), "
            "or None where it is missing",
        ),
        (
            {"confidence": pl.Series(["0.5", "0.7"])},
            "confidence[0]: expected a number from 0 to 1 (got '0.5'), or None where it is missing",
        ),
        (
            {"confidence": np.array([[0.5, 0.7]])},
            "confidence: expected a list or column of values, got an array of shape (1, 2)",
        ),
        (
            {"confidence": 0.5},
            "confidence: expected a list or column of values, got 0.5",
        ),
        (
            {"correct": [1, None]},
            "correct[1] is missing: expected a number from 0 to 1; "
            "leave out predictions without one",
        ),
        (
            {"tokens": [-3, 5]},
            "tokens[0]: expected a number of at least 0 (got -3), or None where it is missing",
        ),
        (
            {"cluster": pd.Series(["a", None])},
            "cluster[1] is missing: give every prediction its cluster",
        ),
        (
            {"cluster": np.array([1.0, NAN])},
            "cluster[1] is missing: give every prediction its cluster",
        ),
    ],
)
def test_each_problem_is_one_line(columns, message):
    with pytest.raises(DataError) as problem:
        PredictionArrays(**{"correct": [1, 0], "confidence": [0.5, 0.5], **columns})
    assert str(problem.value) == message
