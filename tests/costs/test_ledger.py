from __future__ import annotations

import pickle
from pathlib import Path

from saysel.costs.ledger import Ledger, current


def test_outside_of_a_run_nothing_is_kept(tmp_path: Path) -> None:
    account = current().account()
    account.note("m", 1, 2, 0.5)

    assert (current().directory, account.spent, current().totals()) == (None, 0.5, {})
    account.close()


def test_stages_are_counted_apart_and_the_run_together(tmp_path: Path) -> None:
    one, other = Ledger(tmp_path, "sample-1"), Ledger(tmp_path, "evaluate-2")
    for ledger, cost in ((one, 0.25), (one, 0.5), (other, None)):
        account = ledger.account()
        account.note("m", 10, 5, cost)
        account.close()

    assert one.totals() == {"requests": 2, "input_tokens": 20, "output_tokens": 10, "cost": 0.75}
    assert other.totals()["cost"] is None  # not known, which is not nothing
    account = other.account()
    assert account.spent == 0.75
    account.close()


def test_it_holds_for_a_block_and_travels(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, "sample-1", max_cost=2.0)

    with pickle.loads(pickle.dumps(ledger)).opened():
        assert current() == ledger
    assert current() != ledger
