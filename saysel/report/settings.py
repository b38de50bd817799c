"""The answer of a matrix run: its settings with their seeds pooled, and how they differ.

A setting is a combination of all axes of the matrix that are not seeds. It is represented by the
last model that was trained in it, asked in the first way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from saysel.interfaces import Metric
from saysel.recipes.matrix import Axis, Choice, seed_label, setting_label
from saysel.records import Question
from saysel.report.content import IDEAL, Grid, Report, Row, score_of
from saysel.report.glance import headlines
from saysel.scoring import Difference, Method, PooledScore, Setting, label, pool


@dataclass(frozen=True)
class SettingLine:
    """One setting.

    Attributes:
        name: `reward=linear,n=5`; empty if seeds are the only axis.
        choices: its value of each axis that is not a seed.
        model, estimator: what was measured.
        seeds: the row of each seed by its name.
        scores: pooled, by metric; the headline metrics only.
        differences: from the reference, by metric; empty for the reference itself.
    """

    name: str
    choices: Mapping[str, Choice]
    model: str
    estimator: str
    seeds: Mapping[str, Row]
    scores: Mapping[str, PooledScore]
    differences: Mapping[str, Difference]

    def values(self, metric: str) -> list[float]:
        """The metric on each seed where it is defined."""
        scores = (score_of(row, metric) for row in self.seeds.values())
        return [score.value for score in scores if score is not None and score.value is not None]


@dataclass(frozen=True)
class Settings:
    """All settings of a matrix run.

    Attributes:
        axes: those that are not seeds.
        seeds: names of the seeds; a single empty name if no axis is a seed.
        reference: name of the setting that the others are compared with.
        metrics: the headline metrics.
        lines: one per setting, in the order of the matrix.
        ideal: the ideal observer's mean by metric; empty if the source does not know it.
        questions: how many judged questions a setting has at most, all seeds together.
    """

    axes: tuple[Axis, ...]
    seeds: tuple[str, ...]
    reference: str
    metrics: tuple[str, ...]
    lines: tuple[SettingLine, ...]
    ideal: Mapping[str, float]
    questions: int


def settings_of(report: Report, grid: Grid) -> Settings | None:
    """The settings of a report on all cells of a matrix; `None` if nothing was measured."""
    seeds = _rows_by_setting(report.rows, grid)
    if not seeds:
        return None
    metrics = _headline_metrics(next(iter(next(iter(seeds.values())).values())).metrics)
    pooled = pool(
        [
            Setting(name, {seed: _method(row, report.questions) for seed, row in rows.items()})
            for name, rows in seeds.items()
        ],
        metrics,
        reference=grid.reference if grid.reference in seeds else None,
    )
    keys = tuple(label(metric) for metric in metrics)
    choices = {setting_label(grid.axes, cell): cell for cell in grid.cells.values()}
    lines = []
    for name, rows in seeds.items():
        row = next(iter(rows.values()))
        scores = {key: score for key in keys if (score := pooled.score(name, key))}
        differences = {key: one for key in keys if (one := pooled.difference(name, key))}
        own = {axis.name: choices[name][axis.name] for axis in grid.axes if not axis.is_seed}
        lines.append(SettingLine(name, own, row.model, row.estimator, rows, scores, differences))
    return Settings(
        axes=tuple(axis for axis in grid.axes if not axis.is_seed),
        seeds=pooled.seeds,
        reference=pooled.reference,
        metrics=keys,
        lines=tuple(lines),
        ideal=_ideal(report.rows, keys),
        questions=max(sum(row.n for row in rows.values()) for rows in seeds.values()),
    )


def _rows_by_setting(rows: Sequence[Row], grid: Grid) -> dict[str, dict[str, Row]]:
    """For each setting and seed the row that represents it."""
    of_cell: dict[str, list[Row]] = {}
    for row in rows:
        if row.model != IDEAL:
            of_cell.setdefault(row.cell, []).append(row)
    by_setting: dict[str, dict[str, Row]] = {}
    for cell, choices in grid.cells.items():
        if measured := of_cell.get(cell):
            row = next(row for row in measured if row.model == measured[-1].model)
            seed = seed_label(grid.axes, choices)
            by_setting.setdefault(setting_label(grid.axes, choices), {})[seed] = row
    return by_setting


def _headline_metrics(metrics: Sequence[Metric]) -> list[Metric]:
    by_key = {label(metric): metric for metric in metrics}
    return [by_key[key] for key in headlines(list(by_key))]


def _method(row: Row, questions: Mapping[str, Mapping[str, Question]]) -> Method:
    prompts = {id: question.prompt for id, question in questions.get(row.cell, {}).items()}
    return Method(row.cell, row.predictions, prompts, row.clusters)


def _ideal(rows: Sequence[Row], metrics: Sequence[str]) -> dict[str, float]:
    ideal: dict[str, float] = {}
    for metric in metrics:
        scores = (score_of(row, metric) for row in rows if row.model == IDEAL)
        values = [one.value for one in scores if one is not None and one.value is not None]
        if values:
            ideal[metric] = mean(values)
    return ideal


def settings_record(settings: Settings) -> dict[str, Any]:
    """The settings in JSON types, for `metrics.json`."""
    return {
        "axes": [axis.name for axis in settings.axes],
        "seeds": list(settings.seeds),
        "reference": settings.reference,
        "settings": [
            {
                "name": line.name,
                "choices": {axis: choice.label for axis, choice in line.choices.items()},
                "model": line.model,
                "estimator": line.estimator,
                "metrics": {
                    key: _numbers(score, line.differences.get(key))
                    for key, score in line.scores.items()
                },
            }
            for line in settings.lines
        ],
    }


def _numbers(score: PooledScore, difference: Difference | None) -> dict[str, Any]:
    lowest, highest = score.range or (None, None)
    numbers: dict[str, Any] = {
        "mean": score.mean,
        "lowest": lowest,
        "highest": highest,
        "low": score.low,
        "high": score.high,
        "seeds": dict(score.values),
    }
    if difference is not None:
        numbers["difference"] = {
            "value": difference.difference,
            "low": difference.low,
            "high": difference.high,
            "p_holm": difference.p_holm,
            "outcome": difference.outcome,
        }
    return numbers
