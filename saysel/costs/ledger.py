"""What the requests of a run have cost, and how its replies ended.

The ledger is a SQLite file in the run directory. Every request is recorded as its response
arrives, so the sums are right after a crash too. A server may also bill requests that failed on
the way; the ledger does not know about those.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from saysel.costs import prices
from saysel.costs.prices import Price
from saysel.costs.usage import Usage
from saysel.errors import StageError
from saysel.records import Generation
from saysel.storage import sqlite

SCHEMA = (
    """\
CREATE TABLE IF NOT EXISTS requests (
  stage TEXT NOT NULL, time REAL NOT NULL, model TEXT NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cost REAL, checksum TEXT
)""",
    """\
CREATE TABLE IF NOT EXISTS replies (
  stage TEXT NOT NULL, finish_reason TEXT NOT NULL, is_empty INTEGER NOT NULL,
  count INTEGER NOT NULL, checksum TEXT, PRIMARY KEY (stage, finish_reason, is_empty)
) WITHOUT ROWID""",
)
#: The columns that each table's checksum covers.
CHECKED_COLUMNS = {
    "requests": "stage, time, model, input_tokens, output_tokens, cost",
    "replies": "stage, finish_reason, is_empty, count",
}
#: Earlier versions recorded whatever a server reported, also negative counts. The cost of such
#: requests is unknown.
COST_IS_UNKNOWN = "cost IS NULL OR cost < 0 OR input_tokens < 0 OR output_tokens < 0"
#: What to do about empty replies, by finish reason.
ADVICE_ON_EMPTY_REPLIES = {
    "length": "raise max_tokens, which includes the model's reasoning",
    "content_filter": "the server withheld them: use another model",
    "tool_calls": "the model called tools: turn them off at the server",
    "stop": "the model may have written only reasoning: raise max_tokens, or turn reasoning off",
}


@dataclass(frozen=True)
class Ledger:
    """Where the requests of a stage are recorded; can be pickled.

    Attributes:
        directory: run directory; `None`: nothing is written.
        stage: directory name of the step.
        max_cost: US dollars that the whole run may cost; `None`: no limit.
        prices: path of the user's price file.
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
        """Requests made inside this block are recorded here."""
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            _CURRENT.reset(token)

    def price(self, model: str) -> Price | None:
        """The price of a model's tokens, if it is known."""
        return prices.price(model, self.prices)

    def connect(self) -> OpenLedger:
        """A connection to the file, for recording requests; close it after use."""
        return OpenLedger(self)

    def has_record_of(self, model: str) -> bool:
        """Whether this process has recorded a request to a model here, or reused its responses."""
        return (self, model) in _RECORDED

    def totals(self) -> dict[str, Any]:
        """Requests, tokens, US dollars and replies of the stage so far; empty without requests.

        `cost` is `None` if the cost of any request is unknown. `finish_reasons` counts replies by
        why they ended, `empty_replies` those of them without text; either only if it has entries.

        Raises:
            StageError: the file cannot be read, or a row is damaged.
        """
        if self.path is None or not self.path.is_file():
            return {}
        with sqlite.errors_in(self.path), closing(_connect(self.path)) as connection:
            _check_rows(connection, self.path)
            count, input_tokens, output_tokens, cost, unknown = connection.execute(
                "SELECT COUNT(*), SUM(MAX(input_tokens, 0)), SUM(MAX(output_tokens, 0)), "
                f"SUM(MAX(cost, 0)), SUM({COST_IS_UNKNOWN}) FROM requests WHERE stage = ?",
                (self.stage,),
            ).fetchone()
            replies = connection.execute(
                "SELECT finish_reason, is_empty, count FROM replies WHERE stage = ?", (self.stage,)
            ).fetchall()
        if not count:
            return {}
        reasons: Counter[str] = Counter()
        for reason, _, number in replies:
            reasons[reason] += number
        empty = {reason: number for reason, is_empty, number in replies if is_empty}
        return {
            "requests": count,
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "cost": None if unknown else round(cost, 6),
            **({"finish_reasons": dict(reasons)} if reasons else {}),
            **({"empty_replies": empty} if empty else {}),
        }


class OpenLedger:
    """A connection to the ledger's file."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._connection = _connect(ledger.path)
        with sqlite.errors_in(ledger.path):
            if ledger.max_cost is not None:  # only then does the sum decide anything
                _check_new_rows(self._connection, ledger.path)
        self._counted = 0  # rows of the file
        self._spent = 0.0  # US dollars of these rows

    @property
    def spent(self) -> float:
        """US dollars that the run has cost so far in all processes, where prices are known."""
        with sqlite.errors_in(self.ledger.path):
            cost, last = self._connection.execute(
                "SELECT SUM(MAX(cost, 0)), MAX(rowid) FROM requests WHERE rowid > ?",
                [self._counted],
            ).fetchone()
        self._spent += cost or 0.0
        self._counted = last or self._counted
        return self._spent

    def check(self, highest_cost: float) -> None:
        """Check that the next request fits below `max_cost`.

        Args:
            highest_cost: the most that it can cost, in US dollars.

        Raises:
            StageError: it may exceed the limit.
        """
        limit = self.ledger.max_cost
        if limit is not None and (spent := self.spent) + highest_cost > limit:
            raise StageError(
                f"max_cost: {spent:.4f} of {limit:g} dollars are spent, and the next request "
                f"may cost {highest_cost:.4f}: raise max_cost and run again"
            )

    def record(self, model: str, usage: Usage, cost: float | None) -> None:
        """Write down one request.

        Args:
            cost: in US dollars; `None` if the price is unknown.
        """
        row = (self.ledger.stage, time.time(), model, *usage, cost)
        with sqlite.errors_in(self.ledger.path):
            self._connection.execute(
                f"INSERT INTO requests ({CHECKED_COLUMNS['requests']}, checksum) "
                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, checksum_of(?1, ?2, ?3, ?4, ?5, ?6))",
                row,
            )
        _RECORDED.add((self.ledger, model))

    def record_reuse(self, model: str) -> None:
        """Note that stored responses of a model were used, which cost nothing."""
        _RECORDED.add((self.ledger, model))

    def count(self, replies: Iterable[Generation]) -> None:
        """Count replies by finish reason and by whether they have text."""
        counts = Counter(
            (reply.finish_reason or "unknown", not reply.text.strip()) for reply in replies
        )
        with sqlite.errors_in(self.ledger.path):
            self._connection.executemany(
                f"INSERT INTO replies ({CHECKED_COLUMNS['replies']}, checksum) "
                "VALUES (?1, ?2, ?3, ?4, checksum_of(?1, ?2, ?3, ?4)) "
                "ON CONFLICT (stage, finish_reason, is_empty) DO UPDATE SET "
                "count = count + excluded.count, "
                "checksum = checksum_of(stage, finish_reason, is_empty, count + excluded.count)",
                [(self.ledger.stage, *kind, number) for kind, number in counts.items()],
            )

    def close(self) -> None:
        self._connection.close()


def warnings(totals: Mapping[str, Any]) -> list[str]:
    """Lines about a stage's empty and truncated replies, each with what to do about them.

    Args:
        totals: as `Ledger.totals` returns them.
    """
    reasons, empty = totals.get("finish_reasons", {}), totals.get("empty_replies", {})
    count = sum(reasons.values())
    lines = [
        f"{number} of {count} replies are empty (finish reason '{reason}'): "
        f"{ADVICE_ON_EMPTY_REPLIES.get(reason, ADVICE_ON_EMPTY_REPLIES['stop'])}; a new run "
        "requests them again"
        for reason, number in empty.items()
    ]
    if truncated := reasons.get("length", 0) - empty.get("length", 0):
        lines.append(f"{truncated} of {count} replies were truncated: raise max_tokens")
    return lines


def _connect(path: Path | None) -> Connection:
    connection = sqlite.connect(path, *SCHEMA)
    connection.create_function("checksum_of", -1, sqlite.row_checksum, deterministic=True)
    with sqlite.errors_in(path):
        for table in CHECKED_COLUMNS:  # absent in files of earlier versions
            sqlite.add_column(connection, table, "checksum TEXT")
    return connection


def _check_new_rows(connection: Connection, path: Path | None) -> None:
    """The same as `_check_rows`, without the requests that this process has checked already.

    A stage opens the file once for each shard, and there may be many.
    """
    (last,) = connection.execute("SELECT MAX(rowid) FROM requests").fetchone()
    checked = _CHECKED.get(path, 0)
    _check_rows(connection, path, after=checked if checked <= (last or 0) else 0)
    _CHECKED[path] = last or 0


def _check_rows(connection: Connection, path: Path | None, after: int = 0) -> None:
    """Compare every row with its checksum, where it has one.

    Args:
        after: the first requests to leave out.

    Raises:
        StageError: a row is not what was written.
    """
    places = {"requests": f"rowid > {after} AND "}
    for table, columns in CHECKED_COLUMNS.items():
        damaged = connection.execute(
            f"SELECT {columns} FROM {table} "
            f"WHERE {places.get(table, '')}checksum != checksum_of({columns}) LIMIT 1"
        ).fetchone()
        if damaged is not None:
            row = dict(zip(columns.split(", "), damaged, strict=True))
            raise StageError(
                f"{path}: a row of the table '{table}' is damaged ({row}): restore the file from "
                "a copy, or remove it; without it, the run does not know what it has cost so far"
            )


#: How many requests of each file this process has compared with their checksums.
_CHECKED: dict[Path | None, int] = {}
#: Models that this process has recorded requests to, or reused responses of.
_RECORDED: set[tuple[Ledger, str]] = set()
_CURRENT: ContextVar[Ledger] = ContextVar("ledger", default=Ledger())  # noqa: B039 (frozen)


def current() -> Ledger:
    """The ledger of the running stage; outside a run, one that writes nothing."""
    return _CURRENT.get()
