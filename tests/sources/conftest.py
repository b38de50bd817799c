"""Rows in the schemas of published sets; every one is invented."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

Write = Callable[[str, Sequence[Mapping[str, Any]]], Path]

#: The folder of the published files, if there are any: next to the checkout.
RELEASES = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes rows as the kind of file that its name says."""

    def as_file(name: str, rows: Sequence[Mapping[str, Any]]) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".csv":
            with path.open("w", newline="", encoding="utf-8") as file:
                table = csv.DictWriter(file, list(rows[0]))
                table.writeheader()
                table.writerows(rows)
        elif path.suffix == ".parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path)
        elif path.suffix == ".jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        else:
            path.write_text(json.dumps(list(rows)))
        return path

    return as_file


def release(name: str) -> Any:
    """A published file's rows and path; skips if it is not next to the checkout."""
    path = RELEASES / name
    if not path.is_file():
        pytest.skip(f"{name} is not beside the checkout")
    return json.loads(path.read_text(encoding="utf-8")), path
