"""The report's numbers for programs: JSON and CSV."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from saysel.files.formulas import csv_text
from saysel.records import Question
from saysel.report.content import Rationales, Row
from saysel.scoring.score_table import NUMBERS, finite, score_numbers


def metrics_json(
    run: str,
    rows: Sequence[Row],
    rationales: Sequence[Rationales] = (),
    settings: Mapping[str, Any] | None = None,
) -> str:
    """`metrics.json`, schema 1; what is not defined is `null`.

    Args:
        settings: of a matrix run, see `saysel.report.settings.settings_record`.
    """
    content: dict[str, Any] = {"schema": 1, "run": run, "rows": [_row(row) for row in rows]}
    if settings is not None:
        content["settings"] = settings
    if rationales:
        content["faithfulness"] = [_faithfulness(one) for one in rationales]
    return json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _row(row: Row) -> dict[str, Any]:
    return {
        "cell": row.cell,
        "model": row.model,
        "estimator": row.estimator,
        "split": row.split,
        "n": row.n,
        "used": row.used,
        "missing": row.missing,
        "declined": row.declined,
        "alarms": list(row.alarms),
        "metrics": {score.metric: score_numbers(score) for score in row.scores},
    }


def _faithfulness(rationales: Rationales) -> dict[str, Any]:
    return {
        "cell": rationales.cell,
        "model": rationales.model,
        "split": rationales.split,
        "n": rationales.n,
        "rationales": rationales.written,
        "samples": rationales.samples,
        "graded": rationales.graded,
        "ungraded": rationales.ungraded,
        "metrics": {
            measured.score.metric: {**score_numbers(measured.score), "used": measured.used}
            for measured in rationales.measured
        },
    }


def scores_csv(rows: Sequence[Row]) -> str:
    """One line per row of the report and metric; empty where not defined."""
    return csv_text(
        ["cell", "model", "estimator", "split", "n", "used", "missing", "metric", *NUMBERS],
        (
            [row.cell, row.model, row.estimator, row.split, row.n, row.used]
            + [row.missing, score.metric]
            + [finite(getattr(score, end)) for end in NUMBERS]
            for row in rows
            for score in row.scores
        ),
    )


def predictions_csv(rows: Sequence[Row], questions: Mapping[str, Mapping[str, Question]]) -> str:
    """One line per question and row of the report; accepted answers and shares as JSON."""
    header = ["cell", "model", "estimator", "split", "question_id", "prompt", "answers"]
    header += ["answer", "rationale", "confidence", "correct", "tokens", "response", "shares"]
    header += ["declined"]
    return csv_text(
        header,
        (
            [
                *(row.cell, row.model, row.estimator, row.split, p.question_id),
                *_question_fields(questions.get(row.cell, {}).get(p.question_id)),
                *(p.answer, p.rationale, p.confidence, p.correct, p.tokens, p.response),
                _as_json(dict(p.shares)) if p.shares else None,
                "true" if p.declined else None,
            ]
            for row in rows
            for p in row.predictions
        ),
    )


def _question_fields(question: Question | None) -> list[str | None]:
    return [question.prompt, _as_json(question.answers)] if question else [None, None]


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
