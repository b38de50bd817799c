"""What the requests of a run have cost, and how its replies ended.

The ledger is in the run directory and written as answers arrive, so that it is right after a
crash too. A server may bill requests that failed on the way; those are not known here.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saysel.costs import prices
from saysel.costs.prices import Price
from saysel.records import Generation
from saysel.storage import sqlite

SCHEMA = (
    """\
CREATE TABLE IF NOT EXISTS requests (
  stage TEXT NOT NULL, time REAL NOT NULL, model TEXT NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cost REAL
)""",
    """\
CREATE TABLE IF NOT EXISTS replies (
  stage TEXT NOT NULL, finish_reason TEXT NOT NULL, is_empty INTEGER NOT NULL,
  count INTEGER NOT NULL, PRIMARY KEY (stage, finish_reason, is_empty)
) WITHOUT ROWID""",
)
#: Earlier versions noted what a server claimed, below zero too; such rows cost an unknown amount.
UNKNOWN = "cost IS NULL OR cost < 0 OR input_tokens < 0 OR output_tokens < 0"
#: What helps against replies without text, by the reason that they ended for.
ADVICE = {
    "length": "raise max_tokens, which a model's reasoning counts towards",
    "content_filter": "the server withheld them: ask another model",
    "tool_calls": "the model called tools: turn them off at the server",
    "stop": "the model may have written nothing but reasoning: raise max_tokens, or turn its "
    "reasoning off",
}


@dataclass(frozen=True)
class Ledger:
    """Where a stage notes its requests; can be pickled.

    Attributes:
        directory: of the run; `None`: nothing is kept.
        stage: directory name of the step.
        max_cost: US dollars that the whole run may cost; `None`: no limit.
        prices: path of the user's file of prices.
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
        """Requests made inside are noted here."""
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            _CURRENT.reset(token)

    def price(self, model: str) -> Price | None:
        """What a model's tokens cost."""
        return prices.price(model, self.prices)

    def account(self) -> OpenLedger:
        """The ledger's file, opened for the time of some requests."""
        return OpenLedger(self)

    def totals(self) -> dict[str, Any]:
        """Requests, tokens, US dollars and replies of the stage so far; empty without requests.

        `cost` is `None` if that of some is not known. `finish_reasons` counts the replies by why
        they ended, `empty_replies` those of them without text; each only if there are any.
        """
        if self.path is None or not self.path.is_file():
            return {}
        connection = sqlite.connect(self.path, *SCHEMA)
        with sqlite.errors_in(self.path):
            count, read, written, cost, unknown = connection.execute(
                "SELECT COUNT(*), SUM(MAX(input_tokens, 0)), SUM(MAX(output_tokens, 0)), "
                f"SUM(MAX(cost, 0)), SUM({UNKNOWN}) FROM requests WHERE stage = ?",
                (self.stage,),
            ).fetchone()
            replies = connection.execute(
                "SELECT finish_reason, is_empty, count FROM replies WHERE stage = ?", (self.stage,)
            ).fetchall()
            connection.close()
        if not count:
            return {}
        reasons: Counter[str] = Counter()
        for reason, _, number in replies:
            reasons[reason] += number
        empty = {reason: number for reason, is_empty, number in replies if is_empty}
        return {
            "requests": count,
            "input_tokens": read,
            "output_tokens": written,
            "cost": None if unknown else round(cost, 6),
            **({"finish_reasons": dict(reasons)} if reasons else {}),
            **({"empty_replies": empty} if empty else {}),
        }


class OpenLedger:
    """The ledger's file, opened.

    Attributes:
        spent: US dollars that the run has cost so far, as far as prices are known.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._connection = sqlite.connect(ledger.path, *SCHEMA)
        with sqlite.errors_in(ledger.path):
            (spent,) = self._connection.execute("SELECT SUM(MAX(cost, 0)) FROM requests").fetchone()
        self.spent = spent or 0.0

    def note(self, model: str, input_tokens: int, output_tokens: int, cost: float | None) -> None:
        """Write down one answer."""
        with sqlite.errors_in(self.ledger.path):
            self._connection.execute(
                "INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?)",
                (self.ledger.stage, time.time(), model, input_tokens, output_tokens, cost),
            )
        self.spent += cost or 0.0

    def count(self, replies: Iterable[Generation]) -> None:
        """Count replies that arrived, by why they ended and whether they have text."""
        counted = Counter((one.finish_reason or "unknown", not one.text.strip()) for one in replies)
        with sqlite.errors_in(self.ledger.path):
            self._connection.executemany(
                "INSERT INTO replies VALUES (?, ?, ?, ?) ON CONFLICT "
                "(stage, finish_reason, is_empty) DO UPDATE SET count = count + excluded.count",
                [(self.ledger.stage, *kind, number) for kind, number in counted.items()],
            )

    def close(self) -> None:
        self._connection.close()


def warnings(totals: Mapping[str, Any]) -> list[str]:
    """Lines about replies of a stage that have no text or were cut, with what helps.

    Args:
        totals: as `Ledger.totals` returns them.
    """
    reasons, empty = totals.get("finish_reasons", {}), totals.get("empty_replies", {})
    count = sum(reasons.values())
    lines = [
        f"{number} of {count} replies are empty (finish reason '{reason}'): "
        f"{ADVICE.get(reason, ADVICE['stop'])}; they are asked again in a new run"
        for reason, number in empty.items()
    ]
    if cut := reasons.get("length", 0) - empty.get("length", 0):
        lines.append(f"{cut} of {count} replies were cut at max_tokens: raise it")
    return lines


_CURRENT: ContextVar[Ledger] = ContextVar("ledger", default=Ledger())  # noqa: B039 (frozen)


def current() -> Ledger:
    """The ledger of the stage at work; outside of a run one that keeps nothing."""
    return _CURRENT.get()
