"""What the page shows about the run itself: facts, the stages with their cost, the recipe."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from saysel.display.durations import duration
from saysel.display.numbers import grouped
from saysel.report.content import Report


def facts(report: Report) -> list[tuple[str, str]]:
    """What was run, as names and values."""
    recipe, manifest = report.recipe, report.manifest
    facts = [("run", report.name)]
    if (scored := recipe.get("score")) is not None:
        facts.append(("file", scored if isinstance(scored, str) else ", ".join(scored)))
    if "predictions" in manifest:  # what a scored file has, and what is left out of it
        facts.append(("scored", str(manifest["predictions"])))
    for key in ("model", "source"):
        if (spec := recipe.get(key)) is not None:
            facts.append((key, _component(spec) if isinstance(spec, Mapping) else str(spec)))
    if "seed" in recipe:
        facts.append(("seed", str(recipe["seed"])))
    facts += [("leaks", text) for text in _leaks(manifest.get("leaks", ()))]
    versions = manifest.get("versions")
    if isinstance(versions, Mapping):
        facts += [(str(name), str(version)) for name, version in versions.items()]
    return facts


def _component(spec: Mapping[str, Any]) -> str:
    """A component with the option that identifies it: `jsonl facts.jsonl`."""
    options = (spec.get(option) for option in ("path", "gguf", "repository", "name", "adapter"))
    return " ".join(str(part) for part in (spec.get("use", ""), *options) if part)


def _leaks(summaries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The result of the leak check, and what happened to the questions; all sources together."""
    for treatment in dict.fromkeys(summary["leaks"] for summary in summaries):
        treated = [summary for summary in summaries if summary["leaks"] == treatment]
        count = sum(summary["found"] for summary in treated)
        questions = grouped(sum(summary["questions"] for summary in treated))
        action = "dropped" if treatment == "drop" else "allowed"
        yield (
            f"{grouped(count)} of {questions} questions {action}"
            if count
            else f"none in {questions} questions"
        )


def stage_table(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """One line per stage of the manifest, and the sums."""
    records: Mapping[str, Mapping[str, Any]] = manifest.get("stages") or {}
    seconds = [_seconds(record) for record in records.values()]
    longest = max([*seconds, 1e-9])
    paid = [record for record in records.values() if "requests" in record]
    costs = [record["cost"] for record in paid]
    return {
        "lines": [_stage(name, record, longest) for name, record in records.items()],
        "time": duration(sum(seconds), decimals=1),
        "tokens": grouped(sum(int(record.get("tokens") or 0) for record in records.values())),
        "paid": bool(paid),
        "requests": grouped(sum(record["requests"] for record in paid)),
        "cost": money(None if None in costs else sum(costs)),
    }


def _stage(name: str, record: Mapping[str, Any], longest: float) -> dict[str, str]:
    """A line of the stage table; empty where the manifest has no value.

    Args:
        longest: seconds of the longest stage, for the length of the bar.
    """
    work, memory = record.get("work") or {}, record.get("peak_memory_mb")
    return {
        "name": name,
        "time": duration(_seconds(record), decimals=1),
        "part": f"{100 * _seconds(record) / longest:.1f}",
        "work": f"{grouped(work['units'])} {work.get('unit', '')}" if "units" in work else "",
        "tokens": grouped(record["tokens"]) if record.get("tokens") else "",
        "cost": money(record["cost"]) if "requests" in record else "",
        "requests": grouped(record["requests"]) if "requests" in record else "",
        "memory": f"{grouped(memory)} MB" if memory else "",
        "fingerprint": str(record.get("fingerprint") or ""),
    }


def _seconds(record: Mapping[str, Any]) -> float:
    return float(record.get("seconds") or 0)


def money(cost: float | None) -> str:
    """US dollars; `unknown` without a price."""
    return "unknown" if cost is None else f"${cost:,.4f}" if cost < 1 else f"${cost:,.2f}"


def recipe_yaml(recipe: Mapping[str, Any]) -> str:
    """The recipe as YAML."""
    plain = json.loads(json.dumps(dict(recipe), default=str))
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=88)
