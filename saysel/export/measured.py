"""What a run measured, for cards: a table in Markdown, and the hub's metadata `model-index`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from saysel.display.numbers import number
from saysel.report.text_tables import markdown
from saysel.scoring import metric_info

#: Reported for every model, if they were measured.
METRICS = ("accuracy", "ece", "smooth_ece", "brier", "auroc", "parse_rate", "distinct_confidences")


def measured_table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Paragraphs with the scores of some rows of `metrics.json`, and what each score means."""
    keys = [key for key in METRICS if any(key in row["metrics"] for row in rows)]
    names = [name for name in ("cell", "model", "estimator") if any(row[name] for row in rows)]
    head = [*names, "questions", *(metric_info(key).name for key in keys)]
    body = [
        [
            *(row[name] for name in names),
            f"{row['n']:,} ({row['split']})",
            *(_value(row["metrics"].get(key), key) for key in keys),
        ]
        for row in rows
    ]
    lines = [f"- {metric_info(key).name}: {_meaning(key)}" for key in keys]
    return [
        "Measured by this run, with 95 % intervals over the questions:",
        markdown(head, body, range(len(head))).rstrip(),
        "\n".join(lines),
    ]


def model_index(
    name: str, rows: Sequence[Mapping[str, Any]], data_set: str
) -> list[dict[str, Any]]:
    """The values of a model as the hub's `model-index`.

    The hub has no field for intervals and for the number of questions: the number is part of the
    data set's name, the intervals are only in the card's table.

    Args:
        name: of the model.
        rows: of `metrics.json`, all of this model.
        data_set: hub id of the questions, or the name of their source.

    Source: `modelcard.md` of huggingface/hub-docs.
    """
    results = [
        {
            "task": {"type": "text-generation"},
            "dataset": {
                "type": data_set,
                "name": f"{data_set}, {row['n']:,} questions ({row['split']})",
                "split": row["split"],
            },
            "metrics": [
                {
                    "type": key,
                    "name": f"{metric_info(key).name} ({row['estimator']})",
                    "value": row["metrics"][key]["value"],
                }
                for key in METRICS
                if row["metrics"].get(key, {}).get("value") is not None
            ],
        }
        for row in rows
    ]
    return [{"name": name, "results": results}]


def _meaning(key: str) -> str:
    info = metric_info(key)
    return info.meaning + ("" if info.better == "neither" else f" {info.direction.capitalize()}.")


def _value(score: Mapping[str, float | None] | None, key: str) -> str:
    if score is None or score.get("value") is None:
        return "–"
    value, low, high = (score.get(part) for part in ("value", "low", "high"))
    counts = metric_info(key).counts
    text = number(float(value or 0), counts)
    if low is None or high is None:
        return text
    return f"{text} ({number(low, counts)} – {number(high, counts)})"
