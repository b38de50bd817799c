"""The section of the page on the faithfulness of rationales."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from saysel.display.numbers import number
from saysel.faithfulness.measures import MEASURES
from saysel.report.content import Rationales
from saysel.report.glance import Entry
from saysel.scoring.metric_info import ARROWS


def section(rationales: Sequence[Rationales]) -> dict[str, Any] | None:
    """The table of the section, a line per measure and a column per model; `None` if empty."""
    if not rationales:
        return None
    measured = {one.score.metric for each in rationales for one in each.measured}
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
                "arrow": ARROWS[better],
                "meaning": meaning,
                "entries": [_entry(each, measure) for each in rationales],
            }
            for measure, (better, meaning) in MEASURES.items()
            if measure in measured
        ],
    }


def shown_name(measure: str) -> str:
    """`Mention recall` for `mention_recall`."""
    return measure.replace("_", " ").capitalize().replace("brier", "Brier")


def _entry(rationales: Rationales, measure: str) -> tuple[Entry, str]:
    """The score of a measure, and on how many questions it was computed."""
    measured = next((one for one in rationales.measured if one.score.metric == measure), None)
    if measured is None or measured.score.value is None:
        return Entry("–", ""), ""
    score = measured.score
    interval = ""
    if score.low is not None and score.high is not None:
        interval = f"{number(score.low)} – {number(score.high)}"
    return Entry(number(measured.score.value), interval), f"{measured.used} questions"
