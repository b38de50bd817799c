"""The report's numbers as text: JSON, CSV, and the table that ends `saysel run`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from saysel.display.numbers import number
from saysel.display.terminal import printable
from saysel.files.formulas import csv_text
from saysel.records import Question, Score
from saysel.report.alarms import alarms
from saysel.report.content import IDEAL, Rationales, Row, ordered
from saysel.scoring import metric_info
from saysel.scoring.score_table import NUMBERS, finite, score_numbers

if TYPE_CHECKING:
    from rich.table import Table

#: With more metrics than this the console table has them as lines.
WIDEST = 8


def metrics_json(run: str, rows: Sequence[Row], rationales: Sequence[Rationales] = ()) -> str:
    """`metrics.json`, schema 1; what is not defined is `null`."""
    found = alarms(rows)
    content: dict[str, Any] = {
        "schema": 1,
        "run": run,
        "rows": [
            {
                "cell": row.cell,
                "model": row.model,
                "estimator": row.estimator,
                "split": row.split,
                "n": row.n,
                "used": row.n - row.missing,
                "missing": row.missing,
                "alarms": [alarm.text for alarm in found if alarm.row == row.name],
                "metrics": {score.metric: score_numbers(score) for score in row.scores},
            }
            for row in rows
        ],
    }
    if rationales:
        content["faithfulness"] = [
            {
                "cell": one.cell,
                "model": one.model,
                "split": one.split,
                "n": one.n,
                "rationales": one.written,
                "samples": one.samples,
                "graded": one.graded,
                "ungraded": one.ungraded,
                "metrics": {
                    measured.score.metric: {**score_numbers(measured.score), "used": measured.used}
                    for measured in one.measured
                },
            }
            for one in rationales
        ]
    return json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def scores_csv(rows: Sequence[Row]) -> str:
    """One line per row of the report and metric; empty where not defined."""
    return csv_text(
        ["cell", "model", "estimator", "split", "n", "used", "missing", "metric", *NUMBERS],
        (
            [row.cell, row.model, row.estimator, row.split, row.n, row.n - row.missing]
            + [row.missing, score.metric]
            + [finite(getattr(score, end)) for end in NUMBERS]
            for row in rows
            for score in row.scores
        ),
    )


def predictions_csv(rows: Sequence[Row], questions: Mapping[str, Mapping[str, Question]]) -> str:
    """One line per question and row of the report; accepted answers and shares as JSON."""

    def lines(row: Row) -> list[list[object]]:
        made: list[list[object]] = []
        for p in row.predictions:
            question = questions.get(row.cell, {}).get(p.question_id)
            answers = json.dumps(question.answers, ensure_ascii=False) if question else None
            shares = json.dumps(dict(p.shares), ensure_ascii=False) if p.shares else None
            line: list[object] = [row.cell, row.model, row.estimator, row.split, p.question_id]
            line += [question.prompt if question else None, answers]
            line += [p.answer, p.rationale, p.confidence, p.correct, p.tokens, p.response, shares]
            made.append(line)
        return made

    header = ["cell", "model", "estimator", "split", "question_id", "prompt", "answers"]
    header += ["answer", "rationale", "confidence", "correct", "tokens", "response", "shares"]
    return csv_text(header, (line for row in rows for line in lines(row)))


def cells(rows: Sequence[Row]) -> tuple[list[str], list[list[str]], int]:
    """Header and lines of the console table, and how many of the first columns are words.

    One line per row; with more than `WIDEST` metrics, one line per metric. Each score as its value
    and its 95 % interval, `.312 (.291–.333)`; the cell and the split are named only where they
    differ between rows. Last the seconds per question, if anything was timed.
    """
    rows = ordered(rows)
    metrics = list(dict.fromkeys(score.metric for row in rows for score in row.scores))
    parts = {
        "cell": [row.cell for row in rows],
        "split": [row.split for row in rows],
        "model": [row.model for row in rows],
        "estimator": ["the limit" if row.model == IDEAL else row.estimator for row in rows],
    }
    if not any(row.cell for row in rows):
        del parts["cell"]
    if len(set(parts["split"])) <= 1:
        del parts["split"]
    words = [list(name) for name in zip(*parts.values(), strict=True)]
    seconds = [brief(row.seconds) for row in rows]
    timed = any(row.seconds is not None for row in rows)
    scores = [{score.metric: compact(score) for score in row.scores} for row in rows]
    if len(metrics) <= WIDEST:
        lines = [
            [*name, *(found.get(metric, "–") for metric in metrics), *([took] if timed else [])]
            for name, found, took in zip(words, scores, seconds, strict=True)
        ]
        return [*parts, *metrics, *(["seconds"] if timed else [])], lines, len(parts)
    lines = [["questions", *(str(row.n) for row in rows)]]
    lines += [["without confidence", *(str(row.missing) for row in rows)]]
    lines += [[metric, *(found.get(metric, "–") for found in scores)] for metric in metrics]
    if timed:
        lines.append(["seconds", *seconds])
    return ["metric", *(" ".join(name) for name in words)], lines, 1


def brief(seconds: float | None) -> str:
    """Seconds in three digits."""
    return "–" if seconds is None else f"{seconds:.0f}" if seconds >= 100 else f"{seconds:.3g}"


def compact(score: Score) -> str:
    """A score and its interval in few characters; narrow tables can break it at its space."""
    if score.value is None:
        return "–"
    counts = metric_info(score.metric).counts

    def short(value: float) -> str:
        text = number(value, counts).replace("\u2212", "-")
        return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text

    if score.low is None or score.high is None:
        return short(score.value)
    between = " to " if score.low < 0 else "–"
    return f"{short(score.value)} ({short(score.low)}{between}{short(score.high)})"


def console_table(rows: Sequence[Row]) -> Table:
    """The scores as a table for a terminal, ideal observers last."""
    from rich.table import Table

    header, lines, words = cells(rows)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for i, name in enumerate(header):
        if i < words:
            table.add_column(_plain(name), no_wrap=True)
        else:
            spaced = name.replace("_", "\n") if words > 1 else name
            table.add_column(_plain(spaced), justify="right", overflow="fold")
    for line in lines:
        ideal = words > 1 and line[words - 1] == "the limit"
        table.add_row(*map(_plain, line), style="dim" if ideal else None)
    return table


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(printable(text))


def plain_table(rows: Sequence[Row]) -> str:
    """The same as aligned text, for logs and pipes."""
    header, lines, _ = cells(rows)
    widths = [max(len(line[i]) for line in [header, *lines]) for i in range(len(header))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in [header, *lines]
    )
