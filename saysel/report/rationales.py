"""What the page shows of the faithfulness of rationales."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from saysel.display.numbers import number
from saysel.faithfulness.measures import MEASURES, Measured
from saysel.report.content import Rationales
from saysel.scoring.metric_info import ARROWS


def section(rationales: Sequence[Rationales]) -> dict[str, Any] | None:
    """The table of the section, a line per measure and a column per model; `None` without any."""
    if not rationales:
        return None
    there = {one.score.metric for each in rationales for one in each.measured}
    return {
        "columns": [
            {
                "name": " · ".join(part for part in (each.cell, each.model) if part),
                "about": f"{each.written} of {each.n} replies have a rationale",
                "ungraded": each.ungraded,
            }
            for each in rationales
        ],
        "samples": sorted({each.samples for each in rationales}),
        "lines": [
            {
                "name": shown_name(measure),
                "arrow": ARROWS[MEASURES[measure][0]],
                "meaning": MEASURES[measure][1],
                "cells": [_cell(each, measure) for each in rationales],
            }
            for measure in MEASURES
            if measure in there
        ],
    }


def shown_name(measure: str) -> str:
    """`Mention recall` for `mention_recall`."""
    return measure.replace("_", " ").capitalize().replace("brier", "Brier")


def _cell(rationales: Rationales, measure: str) -> dict[str, str]:
    found = next((one for one in rationales.measured if one.score.metric == measure), None)
    if found is None or found.score.value is None:
        return {"value": "–", "interval": "", "used": ""}
    return {
        "value": number(found.score.value),
        "interval": _interval(found),
        "used": f"{found.used} questions",
    }


def _interval(measured: Measured) -> str:
    low, high = measured.score.low, measured.score.high
    return "" if low is None or high is None else f"{number(low)} – {number(high)}"
