from __future__ import annotations

import os

import pytest

from saysel.engines.local import LocalEngine


def test_results_come_in_order_as_they_finish() -> None:
    done: list[int] = []

    def double(number: int) -> int:
        done.append(number)
        return 2 * number

    results = LocalEngine().map(double, [3, 1, 2])

    assert done == []
    assert next(results) == 6
    assert done == [3]
    assert list(results) == [2, 4]


def test_it_runs_in_this_process() -> None:
    assert list(LocalEngine().map(lambda _: os.getpid(), [0])) == [os.getpid()]


def test_a_failure_comes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        list(LocalEngine().map(lambda number: 1 / number, [1, 0]))
