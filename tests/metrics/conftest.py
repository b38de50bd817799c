from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from saysel.interfaces import PredictionArrays

MakeArrays = Callable[[Sequence[float | None], Sequence[float]], PredictionArrays]


@pytest.fixture(scope="session")
def make_columns() -> MakeArrays:
    """Columns from confidences (`None`: not stated) and correctness."""

    def make(confidence: Sequence[float | None], correct: Sequence[float]) -> PredictionArrays:
        return PredictionArrays(
            correct=np.array(correct, dtype=np.float64),
            confidence=np.array([np.nan if c is None else c for c in confidence], dtype=np.float64),
        )

    return make


@pytest.fixture(scope="session")
def example(make_columns: MakeArrays) -> PredictionArrays:
    """Six predictions with values worked out by hand: ECE 1/3, Brier 0.1725."""
    return make_columns([0.95, 0.85, 0.75, 0.65, 0.55, 0.15], [1, 1, 0, 1, 0, 0])
