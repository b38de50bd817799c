"""The page of a matrix run: the settings, then the details, and the alarms last."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import mean
from typing import Any

from markupsafe import Markup

from saysel.display.numbers import number
from saysel.report.alarms import Alarm, alarms, stage_alarms
from saysel.report.console import compact
from saysel.report.content import Grid, Rationales, Report, score_of
from saysel.report.figures import Figure
from saysel.report.figures.reliability import histogram, reliability_diagram
from saysel.report.figures.settings import main_axis
from saysel.report.rationales import shown_name
from saysel.report.run_facts import facts, recipe_yaml, stage_table
from saysel.report.settings import SettingLine, Settings
from saysel.report.settings_tables import caption
from saysel.report.templates import style_sheet, template
from saysel.scoring import metric_info

#: Calibration is drawn for so many settings; the reports of cells have the others.
MAX_DRAWN = 24
#: Names of cells that an alarm lists.
MAX_NAMED = 6


def matrix_page(
    report: Report,
    grid: Grid,
    settings: Settings,
    record: Mapping[str, Any],
    drawn: Mapping[str, Sequence[tuple[str, Figure]]],
) -> str:
    """The page's HTML.

    Args:
        record: of the settings, see `saysel.report.settings.settings_record`.
        drawn: see `saysel.report.figures.settings.settings_figures`.
    """
    axis = main_axis(settings)
    return template("matrix.html").render(
        report=report,
        facts=_facts(report, grid),
        caption=caption(record),
        axes=[one.name for one in settings.axes],
        axis=axis,
        infos=[metric_info(metric) for metric in settings.metrics],
        lines=[_line(one, settings) for one in settings.lines],
        ideal=[_shown(settings.ideal.get(metric), metric) for metric in settings.metrics],
        has_ideal=bool(settings.ideal),
        figures=[
            (metric_info(metric), [(name, Markup(figure.inline())) for name, figure in panels])
            for metric, panels in drawn.items()
        ],
        scores=_scores(settings),
        calibration=[_calibration(one) for one in settings.lines[:MAX_DRAWN]],
        left_out=max(0, len(settings.lines) - MAX_DRAWN),
        rationales=_rationales(report.rationales, settings),
        cells=_cells(grid, settings),
        stages=stage_table({"stages": _summed(report.manifest.get("stages") or {})}),
        alarms=_grouped([*stage_alarms(report.manifest.get("stages", {})), *alarms(report.rows)]),
        recipe=recipe_yaml(report.recipe),
        style=style_sheet(),
    )


def _facts(report: Report, grid: Grid) -> list[tuple[str, str]]:
    sizes = " × ".join(f"{len(axis.choices)} {axis.name}" for axis in grid.axes)
    varied = {path for axis in grid.axes for path in axis.paths}
    known = [(name, value) for name, value in facts(report) if name not in varied]
    return [known[0], ("cells", f"{len(grid.cells)}: {sizes}"), *known[1:]]


def _line(one: SettingLine, settings: Settings) -> dict[str, Any]:
    return {
        "choices": [choice.label for choice in one.choices.values()] or ["all seeds"],
        "reference": one.name == settings.reference and len(settings.lines) > 1,
        "entries": [_entry(one, metric) for metric in settings.metrics],
    }


def _entry(one: SettingLine, metric: str) -> dict[str, str]:
    """A setting's score with its interval, and the difference from the reference."""
    score, difference = one.scores[metric], one.differences.get(metric)
    counts = metric_info(metric).counts
    entry = {"value": _shown(score.mean, metric), "interval": "", "range": "", "outcome": ""}
    if score.low is not None and score.high is not None:
        entry["interval"] = f"{number(score.low, counts)} – {number(score.high, counts)}"
    if score.range is not None and len(score.values) > 1:
        entry["range"] = " – ".join(number(end, counts) for end in score.range)
    if difference is not None and difference.difference is not None and difference.p is not None:
        entry["outcome"] = difference.outcome
        entry["difference"] = number(difference.difference, counts, sign=True)
    return entry


def _shown(value: float | None, metric: str) -> str:
    return "–" if value is None else number(value, metric_info(metric).counts)


def _scores(settings: Settings) -> dict[str, Any]:
    """All metrics of all settings: mean and range over the seeds."""
    rows = [row for one in settings.lines for row in one.seeds.values()]
    keys = list(dict.fromkeys(score.metric for row in rows for score in row.scores))
    return {
        "infos": [metric_info(key) for key in keys],
        "lines": [
            (one.name or "all seeds", [_mean_and_range(one.values(key), key) for key in keys])
            for one in settings.lines
        ],
    }


def _mean_and_range(values: Sequence[float], metric: str) -> tuple[str, str]:
    if not values:
        return "–", ""
    counts = metric_info(metric).counts
    ends = f"{number(min(values), counts)} – {number(max(values), counts)}"
    return number(mean(values), counts), ends if len(values) > 1 else ""


def _calibration(one: SettingLine) -> dict[str, Any]:
    """Reliability diagram and histogram of a setting, the predictions of all seeds together.

    Replies to one question on several seeds form a cluster, if they are in none already.
    """
    predictions, clusters = [], {}
    for seed, row in one.seeds.items():
        for each in row.predictions:
            id = f"{seed}/{each.question_id}"
            predictions.append(replace(each, question_id=id))
            clusters[id] = row.clusters.get(each.question_id, each.question_id)
    first = next(iter(one.seeds.values()))
    row = replace(first, cell=one.name, predictions=tuple(predictions), clusters=clusters)
    return {
        "name": one.name or "all seeds",
        "reliability": Markup(reliability_diagram(row, "m1").inline()),
        "histogram": Markup(histogram(row).inline()),
    }


def _rationales(rationales: Sequence[Rationales], settings: Settings) -> dict[str, Any] | None:
    """How faithful the rationales of each setting are: means over the seeds.

    Those of the setting's model, or, if these were not measured, of the last model that was.
    """
    lines: dict[str, list[Rationales]] = {}
    for one in settings.lines:
        cells = {row.cell for row in one.seeds.values()}
        measured = [each for each in rationales if each.cell in cells]
        models = [each.model for each in measured]
        if models:
            model = one.model if one.model in models else models[-1]
            name = " · ".join([one.name or "all seeds", *[model] * (model != one.model)])
            lines[name] = [each for each in measured if each.model == model]
    if not lines:
        return None
    scores = [one.score for shown in lines.values() for each in shown for one in each.measured]
    keys = list(dict.fromkeys(score.metric for score in scores))
    return {
        "names": [shown_name(key) for key in keys],
        "lines": [(name, [_measured(shown, key) for key in keys]) for name, shown in lines.items()],
    }


def _measured(rationales: Sequence[Rationales], key: str) -> tuple[str, str]:
    scores = (one.score for each in rationales for one in each.measured)
    values = [s.value for s in scores if s.metric == key and s.value is not None]
    defined = [value for value in values if math.isfinite(value)]
    if not defined:
        return "–", ""
    ends = f"{number(min(defined))} – {number(max(defined))}" if len(defined) > 1 else ""
    return number(mean(defined)), ends


def _cells(grid: Grid, settings: Settings) -> list[dict[str, Any]]:
    """Every cell with its own scores."""
    rows = {row.cell: row for one in settings.lines for row in one.seeds.values()}
    cells = []
    for label_number, cell in enumerate(grid.cells, 1):
        row = rows.get(cell)
        found = [None if row is None else score_of(row, key) for key in settings.metrics]
        scores = ["–" if score is None else compact(score) for score in found]
        cells.append({"number": label_number, "name": cell, "scores": scores})
    return cells


def _summed(stages: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The records of all cells' steps of one name as one record."""
    summed: dict[str, dict[str, Any]] = {}
    counts: dict[str, int] = {}
    for directory, record in stages.items():
        name = re.sub(r"-[0-9a-f]{12}$", "", directory)
        counts[name] = counts.get(name, 0) + 1
        total = summed.setdefault(name, {"seconds": 0.0, "tokens": 0, "peak_memory_mb": 0.0})
        total["seconds"] += record.get("seconds") or 0.0
        total["tokens"] += record.get("tokens") or 0
        total["peak_memory_mb"] = max(total["peak_memory_mb"], record.get("peak_memory_mb") or 0.0)
        if "requests" in record:
            total["requests"] = total.get("requests", 0) + record["requests"]
            cost = total.get("cost", 0.0)
            unknown = cost is None or record["cost"] is None
            total["cost"] = None if unknown else cost + record["cost"]
        work = total.setdefault("work", {"units": 0, "unit": ""})
        work["units"] += (record.get("work") or {}).get("units", 0)
        work["unit"] = (record.get("work") or {}).get("unit", "")
    for name, count in counts.items():
        summed[name]["fingerprint"] = str(count)
    return summed


def _grouped(found: Sequence[Alarm]) -> list[tuple[str, str]]:
    """Alarms of one text together: the text, and what it is about.

    Numbers are left out of the text where they alone differ.
    """
    groups: dict[str, list[Alarm]] = {}
    for alarm in found:
        groups.setdefault(re.sub(r"\d[\d.,]*", "…", alarm.text), []).append(alarm)
    grouped = []
    for text, members in groups.items():
        names = [alarm.row for alarm in members]
        more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
        shown = members[0].text if len({alarm.text for alarm in members}) == 1 else text
        grouped.append((shown, "; ".join(names[:MAX_NAMED]) + more))
    return grouped
