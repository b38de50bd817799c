"""The report's page: one file that loads nothing from the network and escapes all data."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from saysel.report import reply_counts
from saysel.report.alarms import alarms, stage_alarms
from saysel.report.browser import payload, sampled, script_json
from saysel.report.changes import Changes, changes
from saysel.report.console import brief_seconds
from saysel.report.content import IDEAL, Report, Row, Training
from saysel.report.figures import (
    Figure,
    colours,
    group_slug,
    groups,
    metric_slug,
    slugs,
    training_slug,
)
from saysel.report.glance import compared, entry, headlines
from saysel.report.rationales import section
from saysel.report.run_facts import facts, recipe_yaml, stage_table
from saysel.report.templates import FOLDER, style_sheet, template
from saysel.scoring import MetricInfo, metric_info


def page(report: Report, rows: Sequence[Row], drawn: Mapping[str, Figure]) -> str:
    """The page's HTML.

    Args:
        report: what to show.
        rows: its rows in the order to show them.
        drawn: the figures of these rows, as `saysel.report.figures.figures` names them.
    """
    script = (FOLDER / "page.js").read_text(encoding="utf-8")
    infos = {s.metric: metric_info(s.metric) for row in rows for s in row.scores}
    browsed, questions = sampled(rows)
    kept = len({p.question_id for row in browsed for p in row.predictions})
    return template("template.html").render(
        report=report,
        facts=facts(report),
        leaks=report.manifest.get("leaks", ()),
        trained=len({row.model for row in rows if row.model != IDEAL}) > 1,
        infos=list(infos.values()),
        groups=[_group(rows, indices, infos, drawn) for indices in groups(rows).values()],
        rows=rows,
        rationales=section(report.rationales),
        replies=reply_counts.section(report),
        training=training_section(report.training, drawn),
        alarms=[*stage_alarms(report.manifest.get("stages", {})), *alarms(rows)],
        stages=stage_table(report.manifest),
        recipe=recipe_yaml(report.recipe),
        # Files of this package, and JSON that is escaped for a script element.
        style=style_sheet(),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        declined=any(row.declined for row in rows),
        sample=f"{kept:,} of {questions:,}" if kept < questions else "",
        data=Markup(script_json(payload(report, browsed))),
    )


def training_section(
    trainings: Sequence[Training], drawn: Mapping[str, Figure]
) -> list[dict[str, Any]]:
    """The curves of each training stage.

    Args:
        drawn: the figures, as `saysel.report.figures.training_figures` names them.
    """
    return [
        {
            "stage": training.stage,
            "curves": [
                (name, Markup(drawn[training_slug(training, name)].inline()))
                for name in training.curves
            ],
        }
        for training in trainings
    ]


def _group(
    rows: Sequence[Row],
    indices: Sequence[int],
    infos: Mapping[str, MetricInfo],
    drawn: Mapping[str, Figure],
) -> dict[str, Any]:
    """The content of the page for one matrix cell and split.

    Args:
        rows: of the whole report.
        indices: of the rows of this cell and split.
    """
    members = [rows[i] for i in indices]
    cell, split = members[0].cell, members[0].split
    keys = list(dict.fromkeys(s.metric for row in members for s in row.scores))
    colour, slug = colours(rows), group_slug(cell, split)
    return {
        "cell": cell,
        "split": split,
        "n": max(row.n for row in members),
        **_large_table(members, headlines(keys), infos, colour),
        "summaries": [
            (infos[key], Markup(drawn[f"summary-{slug}-{metric_slug(key)}"].inline()))
            for key in headlines(keys)
        ],
        "metrics": [infos[key] for key in keys],
        "table": [
            {
                "row": row,
                "kind": colour[row.model],
                "entries": [entry(row, infos[key]) for key in keys],
                "seconds": brief_seconds(row.seconds),
            }
            for row in members
        ],
        "timed": any(row.seconds is not None for row in members),
        "risk_coverage": Markup(drawn[f"risk-coverage-{slug}"].inline()),
        "calibration": _calibration(rows, indices, drawn),
    }


def _large_table(
    members: Sequence[Row],
    keys: Sequence[str],
    infos: Mapping[str, MetricInfo],
    colour: Mapping[str, str],
) -> dict[str, Any]:
    """Columns and lines of the table of models that are compared."""
    shown = compared(members)
    difference: Changes = changes(members)
    return {
        "columns": [
            {"title": title(row, shown), "note": note(row), "kind": colour[row.model]}
            for row in shown
        ],
        "headlines": [
            {
                "info": infos[key],
                "entries": [
                    entry(row, infos[key], difference.get((row.name, key))) for row in shown
                ],
            }
            for key in keys
        ],
    }


def _calibration(
    rows: Sequence[Row], indices: Sequence[int], drawn: Mapping[str, Figure]
) -> list[dict[str, Any]]:
    """Reliability diagram and histogram of each row."""
    names, colour = slugs(rows), colours(rows)
    return [
        {
            "row": rows[i],
            "kind": colour[rows[i].model],
            "reliability": Markup(drawn[f"reliability-{names[i]}"].inline()),
            "histogram": Markup(drawn[f"histogram-{names[i]}"].inline()),
            "missing": sum(p.confidence is None and not p.declined for p in rows[i].predictions),
            "declined": sum(p.declined for p in rows[i].predictions),
        }
        for i in indices
    ]


def title(row: Row, shown: Sequence[Row]) -> str:
    """The heading of a column of the large table."""
    if row.model == IDEAL:
        return "The limit"
    if len({r.model for r in shown if r.model != IDEAL}) == 1:
        return row.estimator
    return "Before" if row.model == "base" else f"After {row.model.upper()}"


def note(row: Row) -> str:
    """The small text below that heading."""
    return "ideal observer" if row.model == IDEAL else f"{row.model}, {row.estimator}"
