"""The report's page: everything in one file, nothing from the network, everything escaped."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from markupsafe import Markup

from saysel.report.alarms import alarms, stage_alarms
from saysel.report.browser import payload, sampled, script_json
from saysel.report.changes import changes
from saysel.report.content import IDEAL, Report, Row
from saysel.report.figures import colours, group_slug, groups, metric_slug, slugs
from saysel.report.glance import cell, headlines, steps
from saysel.report.rationales import section
from saysel.report.svg import Figure, style_sheet
from saysel.report.tables import brief
from saysel.report.templates import template
from saysel.scoring import MetricInfo, metric_info

HERE = Path(__file__).parent


def page(report: Report, rows: Sequence[Row], drawn: Mapping[str, Figure]) -> str:
    """The page's HTML.

    Args:
        report: what to show.
        rows: its rows in the order to show them.
        drawn: the figures of these rows, as `saysel.report.figures.figures` names them.
    """
    script = (HERE / "page.js").read_text(encoding="utf-8")
    metrics = list(dict.fromkeys(s.metric for row in rows for s in row.scores))
    readings = {key: metric_info(key) for key in metrics}
    browsed, questions = sampled(rows)
    held = len({p.question_id for row in browsed for p in row.predictions})
    return template("template.html").render(
        report=report,
        facts=facts(report),
        leaks=report.manifest.get("leaks", ()),
        trained=len({row.model for row in rows if row.model != IDEAL}) > 1,
        readings=list(readings.values()),
        groups=[
            group(cell, split, rows, indices, readings, drawn)
            for (cell, split), indices in groups(rows).items()
        ],
        rows=rows,
        rationales=section(report.rationales),
        alarms=[*stage_alarms(report.manifest.get("stages", {})), *alarms(rows)],
        stages=stages(report.manifest),
        recipe=recipe_yaml(report.recipe),
        # Our own files and drawings, and JSON that is escaped for its place.
        style=Markup(style_sheet() + (HERE / "page.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        sample=f"{held:,} of {questions:,}" if held < questions else "",
        data=Markup(script_json(payload(report, browsed))),
    )


def group(
    cell_name: str,
    split: str,
    rows: Sequence[Row],
    indices: Sequence[int],
    readings: Mapping[str, MetricInfo],
    drawn: Mapping[str, Figure],
) -> dict[str, Any]:
    """What the page shows of one matrix cell and split."""
    members = [rows[i] for i in indices]
    keys = list(dict.fromkeys(s.metric for row in members for s in row.scores))
    shown = steps(members)
    slug, names, colour = group_slug(cell_name, split), slugs(rows), colours(rows)
    change = changes(members)
    return {
        "cell": cell_name,
        "split": split,
        "n": max(row.n for row in members),
        "steps": [
            {"title": title(row, shown), "note": note(row), "kind": colour[row.model]}
            for row in shown
        ],
        "headlines": [
            {
                "reading": readings[key],
                "cells": [cell(row, readings[key], change.get((row.name, key))) for row in shown],
            }
            for key in headlines(keys)
        ],
        "summaries": [
            (readings[key], Markup(drawn[f"summary-{slug}-{metric_slug(key)}"].inline()))
            for key in headlines(keys)
        ],
        "table": [
            {
                "row": row,
                "kind": colour[row.model],
                "cells": [cell(row, readings[key]) for key in keys],
                "seconds": brief(row.seconds),
            }
            for row in members
        ],
        "metrics": [readings[key] for key in keys],
        "timed": any(row.seconds is not None for row in members),
        "risk_coverage": Markup(drawn[f"risk-coverage-{slug}"].inline()),
        "calibration": [
            {
                "row": rows[i],
                "kind": colour[rows[i].model],
                "reliability": Markup(drawn[f"reliability-{names[i]}"].inline()),
                "histogram": Markup(drawn[f"histogram-{names[i]}"].inline()),
                "unread": sum(p.confidence is None for p in rows[i].predictions),
            }
            for i in indices
        ],
    }


def title(row: Row, shown: Sequence[Row]) -> str:
    """The heading of a step."""
    if row.model == IDEAL:
        return "The limit"
    if len({r.model for r in shown if r.model != IDEAL}) == 1:
        return row.estimator
    return "Before" if row.model == "base" else f"After {row.model.upper()}"


def note(row: Row) -> str:
    """What stands small under a step's heading."""
    return "ideal observer" if row.model == IDEAL else f"{row.model}, {row.estimator}"


def which(spec: Mapping[str, Any]) -> str:
    """The component, and which of its kind: `pretrained org/name`, `jsonl facts.jsonl`."""
    named = (spec.get(option) for option in ("path", "repository", "name", "adapter"))
    return " ".join(str(part) for part in (spec.get("use", ""), *named) if part)


def facts(report: Report) -> list[tuple[str, str]]:
    """What was run, as names and values."""
    recipe, manifest = report.recipe, report.manifest
    found = [("run", report.name)]
    for key in ("model", "source"):
        if (spec := recipe.get(key)) is not None:
            found.append((key, which(spec) if isinstance(spec, Mapping) else str(spec)))
    if "seed" in recipe:
        found.append(("seed", str(recipe["seed"])))
    found += [("leaks", leaks_in_short(one)) for one in manifest.get("leaks", ())]
    versions = manifest.get("versions")
    if isinstance(versions, Mapping):
        found += [(str(name), str(version)) for name, version in versions.items()]
    return found


def leaks_in_short(summary: Mapping[str, Any]) -> str:
    """What the leak check found, and what was done about it."""
    count, questions = summary["found"], grouped(summary["questions"])
    if not count:
        return f"none in {questions} questions"
    done = "dropped" if summary["leaks"] == "drop" else "allowed"
    return f"{grouped(count)} of {questions} questions {done}"


def stages(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The stage table: one line per stage of the manifest, and the sums."""
    records: Mapping[str, Mapping[str, Any]] = manifest.get("stages") or {}
    seconds = [float(record.get("seconds") or 0) for record in records.values()]
    longest = max([*seconds, 1e-9])
    lines = []
    for (name, record), took in zip(records.items(), seconds, strict=True):
        work = record.get("work") or {}
        memory = record.get("peak_memory_mb")
        lines.append(
            {
                "name": name,
                "time": duration(took),
                "part": f"{100 * took / longest:.1f}",
                "work": f"{grouped(work['units'])} {work.get('unit', '')}"
                if "units" in work
                else "",
                "tokens": grouped(record["tokens"]) if record.get("tokens") else "",
                "cost": money(record["cost"]) if "requests" in record else "",
                "requests": grouped(record["requests"]) if "requests" in record else "",
                "memory": f"{grouped(memory)} MB" if memory else "",
                "fingerprint": str(record.get("fingerprint") or ""),
            }
        )
    tokens = sum(int(record.get("tokens") or 0) for record in records.values())
    paid = [record for record in records.values() if "requests" in record]
    known = [record["cost"] for record in paid if record["cost"] is not None]
    return {
        "lines": lines,
        "time": duration(sum(seconds)),
        "tokens": grouped(tokens),
        "paid": bool(paid),
        "requests": grouped(sum(record["requests"] for record in paid)),
        "cost": money(sum(known) if len(known) == len(paid) else None),
    }


def money(cost: float | None) -> str:
    """US dollars."""
    return "unknown" if cost is None else f"${cost:,.4f}" if cost < 1 else f"${cost:,.2f}"


def grouped(number: float) -> str:
    """Digits in groups of three."""
    return f"{number:,.0f}".replace(",", "\u202f")


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def recipe_yaml(recipe: Mapping[str, Any]) -> str:
    """The recipe as YAML."""
    plain = json.loads(json.dumps(dict(recipe), default=str))
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=88)
