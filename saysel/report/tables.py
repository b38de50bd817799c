"""The report's numbers as text: JSON, CSV, and the table that ends `saysel run`."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from saysel.records import Question, Score
from saysel.report.content import IDEAL, Row, ordered

if TYPE_CHECKING:
    from rich.table import Table


def finite(value: float | None) -> float | None:
    """The value, `None` where JSON has no number for it."""
    return value if value is not None and math.isfinite(value) else None


def metrics_json(run: str, rows: Sequence[Row]) -> str:
    """`metrics.json`, schema 1; what is not defined is `null`."""
    content = {
        "schema": 1,
        "run": run,
        "rows": [
            {
                "cell": row.cell,
                "model": row.model,
                "estimator": row.estimator,
                "split": row.split,
                "n": row.n,
                "metrics": {
                    score.metric: {
                        "value": finite(score.value),
                        "low": finite(score.low),
                        "high": finite(score.high),
                    }
                    for score in row.scores
                },
            }
            for row in rows
        ],
    }
    return json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def scores_csv(rows: Sequence[Row]) -> str:
    """One line per row of the report and metric; empty where not defined."""
    return _csv(
        ["cell", "model", "estimator", "split", "n", "metric", "value", "low", "high"],
        (
            [row.cell, row.model, row.estimator, row.split, row.n, score.metric]
            + [finite(end) for end in (score.value, score.low, score.high)]
            for row in rows
            for score in row.scores
        ),
    )


def predictions_csv(rows: Sequence[Row], questions: Mapping[str, Question]) -> str:
    """One line per question and row of the report; accepted answers and shares as JSON."""

    def lines(row: Row) -> list[list[object]]:
        made: list[list[object]] = []
        for p in row.predictions:
            question = questions.get(p.question_id)
            answers = json.dumps(question.answers, ensure_ascii=False) if question else None
            shares = json.dumps(dict(p.shares), ensure_ascii=False) if p.shares else None
            line: list[object] = [row.cell, row.model, row.estimator, row.split, p.question_id]
            line += [question.prompt if question else None, answers]
            line += [p.answer, p.rationale, p.confidence, p.correct, p.tokens, p.response, shares]
            made.append(line)
        return made

    header = ["cell", "model", "estimator", "split", "question_id", "prompt", "answers"]
    header += ["answer", "rationale", "confidence", "correct", "tokens", "response", "shares"]
    return _csv(header, (line for row in rows for line in lines(row)))


def _csv(header: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return text.getvalue()


def cells(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Header and lines of the console table.

    Each score as its value and half the width of its 95 % interval, `.312 ±.021`; the cell and
    the split are columns only where they differ between rows.
    """
    rows = ordered(rows)
    metrics = list(dict.fromkeys(score.metric for row in rows for score in row.scores))
    show_cell = any(row.cell for row in rows)
    show_split = len({row.split for row in rows}) > 1
    header = ["cell"] * show_cell + ["split"] * show_split + ["model", "estimator"] + metrics
    lines = []
    for row in rows:
        ideal = row.model == IDEAL
        scores = {score.metric: score for score in row.scores}
        lines.append(
            [row.cell] * show_cell
            + [row.split] * show_split
            + [row.model, "the limit" if ideal else row.estimator]
            + [compact(scores[metric]) if metric in scores else "–" for metric in metrics]
        )
    return header, lines


def compact(score: Score) -> str:
    """A score in ten characters; narrow tables can break it at its space."""
    if score.value is None:
        return "–"

    def short(value: float) -> str:
        text = f"{value:.3f}"
        return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text

    if score.value >= 2 and score.value == int(score.value):  # a count
        return f"{score.value:g}"
    if score.low is None or score.high is None:
        return short(score.value)
    return f"{short(score.value)} ±{short((score.high - score.low) / 2)}"


def console_table(rows: Sequence[Row]) -> Table:
    """The scores as a table for a terminal, one line per row, ideal observers last."""
    from rich.table import Table

    header, lines = cells(rows)
    words = header.index("estimator") + 1
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for i, name in enumerate(header):
        if i < words:
            table.add_column(name, no_wrap=True)
        else:
            table.add_column(name.replace("_", "\n"), justify="right", overflow="fold")
    for line in lines:
        ideal = line[words - 1] == "the limit"
        table.add_row(*map(_plain, line), style="dim" if ideal else None)
    return table


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def plain_table(rows: Sequence[Row]) -> str:
    """The same as aligned text, for logs and pipes."""
    header, lines = cells(rows)
    widths = [max(len(line[i]) for line in [header, *lines]) for i in range(len(header))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in [header, *lines]
    )
