"""What the requests of a run have cost: one line per answer that arrived, and the limit.

The ledger lies in the run directory and is written as answers arrive, so that it is right after a
crash too. A server may bill requests that failed on the way; those nobody sees here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saysel import prices, sqlite
from saysel.prices import Price

SCHEMA = """\
CREATE TABLE IF NOT EXISTS requests (
  stage TEXT NOT NULL, time REAL NOT NULL, model TEXT NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cost REAL
)"""


@dataclass(frozen=True)
class Ledger:
    """Where a stage notes its requests; can be sent to another process.

    Attributes:
        directory: of the run; `None` where there is none, and nothing is kept.
        stage: directory name of the step.
        max_cost: US dollars that the whole run may cost; `None`: no limit.
        prices: the user's file of prices.
    """

    directory: Path | None = None
    stage: str = ""
    max_cost: float | None = None
    prices: str | None = None

    @property
    def path(self) -> Path | None:
        """The SQLite file."""
        return self.directory / "ledger.sqlite" if self.directory else None

    @contextmanager
    def opened(self) -> Iterator[None]:
        """What is asked inside is noted here."""
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            _CURRENT.reset(token)

    def price(self, model: str) -> Price | None:
        """What a model's tokens cost."""
        return prices.price(model, self.prices)

    def account(self) -> Account:
        """The open book, for the time of some requests."""
        return Account(self)

    def totals(self) -> dict[str, Any]:
        """Requests, tokens and US dollars of the stage so far; empty without requests.

        `cost` is `None` if the price of some was not known.
        """
        if self.path is None or not self.path.is_file():
            return {}
        connection = sqlite.connect(self.path, SCHEMA)
        with sqlite.told(self.path):
            count, read, written, cost, unknown = connection.execute(
                "SELECT COUNT(*), SUM(input_tokens), SUM(output_tokens), SUM(cost), "
                "SUM(cost IS NULL) FROM requests WHERE stage = ?",
                (self.stage,),
            ).fetchone()
            connection.close()
        if not count:
            return {}
        return {
            "requests": count,
            "input_tokens": read,
            "output_tokens": written,
            "cost": None if unknown else round(cost, 6),
        }


class Account:
    """The ledger's file, opened.

    Attributes:
        spent: US dollars that the run has cost so far, as far as prices are known.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._connection = sqlite.connect(ledger.path, SCHEMA)
        with sqlite.told(ledger.path):
            (spent,) = self._connection.execute("SELECT SUM(cost) FROM requests").fetchone()
        self.spent = spent or 0.0

    def note(self, model: str, input_tokens: int, output_tokens: int, cost: float | None) -> None:
        """Write down one answer."""
        with sqlite.told(self.ledger.path):
            self._connection.execute(
                "INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?)",
                (self.ledger.stage, time.time(), model, input_tokens, output_tokens, cost),
            )
        self.spent += cost or 0.0

    def close(self) -> None:
        self._connection.close()


_CURRENT: ContextVar[Ledger] = ContextVar("ledger", default=Ledger())  # noqa: B039 (frozen)


def current() -> Ledger:
    """The ledger of the stage at work; outside of a run one that keeps nothing."""
    return _CURRENT.get()
