"""Questions from standard input, one per line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from saysel.errors import UsageError
from saysel.files.content import decoded
from saysel.files.json_rows import json_in


def question_lines(content: bytes) -> list[dict[str, Any]]:
    """The questions of a text: each line is one, or a JSON object with the key `question`.

    Returns:
        The objects, and `{"question": line}` for the other lines; blank lines are left out.

    Raises:
        DataError: it is not UTF-8, or a line that begins with a brace is not JSON.
        UsageError: there is no question, or an object has none.
    """
    name = Path("standard input")
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(decoded(content, name).splitlines(), 1):
        if not line.strip():
            continue
        row = {"question": line.strip()}
        if line.lstrip().startswith("{"):
            row = json_in(line, name, number)
            if not isinstance(row.get("question"), str) or not row["question"].strip():
                raise UsageError(f"{name}, line {number}: it has no text under 'question'")
        rows.append(row)
    if not rows:
        raise UsageError('there is no question: saysel ask RUN|MODEL "Where is the lantern?"')
    return rows
