"""Predictions from data frames and arrays, read like those of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from saysel.errors import DataError, UsageError
from saysel.files import load_predictions, predictions_from_columns
from saysel.registry import build

ROWS: dict[str, list[Any]] = {
    "id": ["a", "b", "c"],
    "confidence": [0.9, None, 0.25],
    "correct": [True, False, None],
    "answer": ["Paris", "Rome", "Bern"],
}
MAKERS: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
    "lists": dict,
    "arrays": lambda rows: {
        name: np.array(values, dtype=float if name == "confidence" else object)
        for name, values in rows.items()
    },
    "pandas": pd.DataFrame,
    "pandas with nullable types": lambda rows: pd.DataFrame(rows).convert_dtypes(),
    "pandas with another index": lambda rows: pd.DataFrame(rows, index=[7, 7, 7]),
    "polars": pl.DataFrame,
    "polars, lazy": pl.LazyFrame,
}


@pytest.mark.parametrize("maker", MAKERS)
def test_every_kind_of_data_gives_the_predictions_of_a_file(maker: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(
        "id,confidence,correct,answer\na,0.9,true,Paris\nb,,false,Rome\nc,0.25,,Bern\n"
    )

    loaded = predictions_from_columns(MAKERS[maker](ROWS))

    assert loaded == load_predictions(tmp_path / "x.csv")


def test_options_are_those_of_a_file() -> None:
    replies = {"text": ["Answer: Bern Confidence: 70%"], "gold": [["Bern", "Berne"]], "set": ["s"]}
    format: Any = build("format", "percent")

    loaded = predictions_from_columns(
        pd.DataFrame(replies), {"output": "text", "cluster": "set"}, format=format
    )

    (prediction,) = loaded.predictions
    assert (prediction.answer, prediction.confidence, prediction.correct) == ("Bern", 0.7, 1.0)
    assert loaded.questions["1"].answers == ("Bern", "Berne")
    assert loaded.clusters == {"1": "s"}
    percent = predictions_from_columns({"conf": [70, 5], "correct": [1, 0]}, scale=100)
    assert [p.confidence for p in percent.predictions] == [0.7, 0.05]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"confidence": [0.1, "high"], "correct": [0, 1]}, "mine, row 2: 'confidence' must be a"),
        ({"confidence": [0.1, 7.0], "correct": [0, 1]}, "mine, row 2: 'confidence' is 7, outside"),
        ({"confidence": [0.1], "correct": [np.array([1, 0])]}, "mine, row 1: 'correct' must say"),
        ({"confidence": [0.1, 0.2], "correct": [1]}, "mine: column 'confidence' has 2 values and "),
        ({"confidence": [], "correct": []}, "mine: there are no rows"),
        ({}, "mine: there are no rows"),
        ({"confidence": 0.5, "correct": [1]}, "mine: column 'confidence' must be an array or a"),
        ({"confidence": "0.5", "correct": [1]}, "mine: column 'confidence' must be an array or a"),
        (
            pd.DataFrame([[0.1, 0.2, 1]], columns=["confidence", "confidence", "correct"]),
            "mine: two columns are called 'confidence': rename one",
        ),
        ({"confidence": [1.0], "right": [1]}, "mine: no column is recognised as 'correct': name "),
    ],
)
def test_what_cannot_be_read_is_named_by_its_row(
    data: Mapping[str, Iterable[object]], message: str
) -> None:
    with pytest.raises((DataError, UsageError)) as caught:
        predictions_from_columns(data, name="mine")

    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
