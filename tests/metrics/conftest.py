from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from saysel.interfaces import Columns

MakeColumns = Callable[[Sequence[float | None], Sequence[float]], Columns]


@pytest.fixture(scope="session")
def make_columns() -> MakeColumns:
    """Columns from confidences (`None`: not stated) and correctness."""

    def make(confidence: Sequence[float | None], correct: Sequence[float]) -> Columns:
        return Columns(
            correct=np.array(correct, dtype=np.float64),
            confidence=np.array([np.nan if c is None else c for c in confidence], dtype=np.float64),
        )

    return make


@pytest.fixture(scope="session")
def example(make_columns: MakeColumns) -> Columns:
    """Six predictions with values worked out by hand: ECE 1/3, Brier 0.1725."""
    return make_columns([0.95, 0.85, 0.75, 0.65, 0.55, 0.15], [1, 1, 0, 1, 0, 0])
