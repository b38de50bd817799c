from __future__ import annotations

import pickle
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from saysel.costs.ledger import Ledger, current
from saysel.costs.usage import Usage
from saysel.errors import StageError
from saysel.records import Generation


def record(ledger: Ledger, cost: float | None) -> None:
    with closing(ledger.connect()) as connection:
        connection.record("small", Usage(10, 5), cost)
        connection.count([Generation("Paris", 5, finish_reason="stop")])


def test_outside_a_run_nothing_is_written(tmp_path: Path) -> None:
    with closing(current().connect()) as connection:
        connection.record("small", Usage(1, 2), 0.5)

        assert (current().directory, connection.spent, current().totals()) == (None, 0.5, {})


def test_totals_are_per_stage_and_the_limit_is_per_run(tmp_path: Path) -> None:
    sample, evaluate = Ledger(tmp_path, "sample-1"), Ledger(tmp_path, "evaluate-2")
    record(sample, 0.25)
    record(sample, 0.5)
    record(evaluate, None)

    assert sample.totals() == {
        "requests": 2,
        "input_tokens": 20,
        "output_tokens": 10,
        "cost": 0.75,
        "finish_reasons": {"stop": 2},
    }
    assert evaluate.totals()["cost"] is None  # unknown, which is not 0
    with closing(evaluate.connect()) as connection:
        assert connection.spent == 0.75


def test_a_request_that_may_exceed_the_limit_is_refused(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, "sample-1", max_cost=1.0)
    record(ledger, 0.75)

    with closing(ledger.connect()) as connection:
        connection.check(0.25)
        with pytest.raises(
            StageError, match=r"0\.7500 of 1 dollars are spent, and the next .*0\.26"
        ):
            connection.check(0.26)


def test_what_another_process_spends_counts(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, "sample-1", max_cost=1.0)
    with closing(ledger.connect()) as connection:
        connection.record("small", Usage(10, 5), 0.25)
        connection.check(0.5)
        record(Ledger(tmp_path, "evaluate-2"), 0.5)

        with pytest.raises(StageError, match=r"0\.7500 of 1 dollars are spent"):
            connection.check(0.5)


def test_a_ledger_is_current_inside_its_block_and_can_be_pickled(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, "sample-1", max_cost=2.0)

    with pickle.loads(pickle.dumps(ledger)).opened():
        assert current() == ledger
    assert current() != ledger


@pytest.mark.parametrize(
    "damage",
    [
        "requests SET cost = 0.0625",
        "requests SET input_tokens = 11",
        "requests SET stage = 'sample-0'",
        "requests SET checksum = 'x'",
        "replies SET count = 3",
        "replies SET finish_reason = 'stoq'",
    ],
)
def test_a_damaged_row_is_reported_in_one_line(tmp_path: Path, damage: str) -> None:
    ledger = Ledger(tmp_path, "sample-1", max_cost=2.0)
    for _ in range(2):
        record(ledger, 0.25)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as file, file:
        file.execute(f"UPDATE {damage}")

    message = r"ledger\.sqlite: a row of the table '\w+' is damaged .*: restore the file"
    for read in (ledger.totals, ledger.connect):
        with pytest.raises(StageError, match=message) as caught:
            read()
        assert "\n" not in str(caught.value)


def test_a_request_is_checked_once_in_a_process_and_in_the_totals(tmp_path: Path) -> None:
    """A stage with a thousand shards does not check the first request a thousand times."""
    ledger = Ledger(tmp_path, "sample-1", max_cost=2.0)
    record(ledger, 0.25)
    ledger.connect().close()
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as file, file:
        file.execute("UPDATE requests SET cost = 0")

    ledger.connect().close()
    with pytest.raises(StageError, match="is damaged"):
        ledger.totals()
