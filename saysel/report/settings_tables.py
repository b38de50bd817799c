"""The settings of a matrix run as tables: on a terminal, as CSV, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saysel.display.numbers import number
from saysel.files.formulas import csv_text
from saysel.scoring import metric_info
from saysel.scoring.comparison_table import SIGNS

#: Columns about the difference from the reference, and their keys in the record.
DIFFERENCE_COLUMNS = {
    "difference": "value",
    "difference_low": "low",
    "difference_high": "high",
    "p_holm": "p_holm",
    "outcome": "outcome",
}

Table = tuple[list[str], list[list[str]], int]


def settings_table(record: Mapping[str, Any]) -> Table:
    """Header, lines, and the number of columns with names.

    Args:
        record: see `saysel.report.settings.settings_record`.

    A value is the mean over the seeds with its 95 % interval, and the difference from the
    reference if that is significant: `0.312 (0.291–0.333) ✓ -0.045`.
    """
    axes, settings = record["axes"], record["settings"]
    metrics = list(dict.fromkeys(metric for line in settings for metric in line["metrics"]))
    infos = [metric_info(metric) for metric in metrics]
    header = [*(axes or ["setting"]), *(f"{info.name} {info.arrow}".strip() for info in infos)]
    lines = []
    for line in settings:
        names = [line["choices"][axis] for axis in axes] or ["all seeds"]
        if line["name"] == record["reference"] and len(settings) > 1:
            names[-1] += " (reference)"
        lines.append([*names, *(_shown(line["metrics"].get(metric), metric) for metric in metrics)])
    return header, lines, len(axes) or 1


def caption(record: Mapping[str, Any]) -> str:
    """What the numbers of the table are."""
    count = len(record["seeds"])
    seeds = f"means over {count} seeds" if count > 1 else "one seed each"
    settings = len(record["settings"])
    text = f"{settings} settings, {seeds}" if settings > 1 else seeds.capitalize()
    text += ", with 95 % intervals"
    if count > 1:
        text += " for other seeds and questions"
    if settings < 2:
        return text
    return f"{text}; ✓ better and ✗ worse than the reference (p < .05, Holm)"


def settings_csv(record: Mapping[str, Any]) -> str:
    """One line per setting and metric; empty where not defined."""
    records = setting_records(record)
    return csv_text(list(records[0]), (list(one.values()) for one in records))


def setting_records(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One record per setting and metric; `None` where not defined."""
    return [
        {
            **line["choices"],
            "model": line["model"],
            "estimator": line["estimator"],
            "seeds": sum(value is not None for value in numbers["seeds"].values()),
            "metric": metric,
            **{end: numbers[end] for end in ("mean", "lowest", "highest", "low", "high")},
            "reference": record["reference"],
            **{
                column: numbers.get("difference", {}).get(key)
                for column, key in DIFFERENCE_COLUMNS.items()
            },
        }
        for line in record["settings"]
        for metric, numbers in line["metrics"].items()
    ]


def _shown(numbers: Mapping[str, Any] | None, metric: str) -> str:
    if numbers is None or numbers["mean"] is None:
        return "–"
    counts = metric_info(metric).counts
    text = number(numbers["mean"], counts)
    if numbers["low"] is not None:
        text += f" ({number(numbers['low'], counts)}–{number(numbers['high'], counts)})"
    difference = numbers.get("difference", {})
    if difference.get("outcome") in ("better", "worse"):
        sign = SIGNS[difference["outcome"]].strip()
        text += f" {sign} {number(difference['value'], counts, sign=True)}"
    return text
