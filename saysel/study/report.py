"""The findings of a study: tables for the console, a page, and CSV files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import NamedTuple

from saysel.display.numbers import MINUS, grouped
from saysel.display.tables import aligned
from saysel.files.formulas import csv_text
from saysel.storage import write_text
from saysel.study.findings import Finding
from saysel.study.items import SCALES, Origin, Study
from saysel.study.ratings import Rating, raters

FOLDER = Path(__file__).parent
#: Title of each table and what its numbers mean.
TABLES = {
    "score": (
        "Mean ratings",
        "From 1 to 5, with a 95 % interval over the questions. A model's mean is that of all its "
        "replies with a rationale: rare kinds of replies, which were drawn more often, are "
        "weighted down. shuffled and generic are the controls.",
    ),
    "difference": (
        "Differences",
        "Of the mean ratings, in points. “To settle it”: how many items of each model it takes to "
        "find a difference as large as this one with a probability of 80 %, with the same raters. "
        "It is a plan for the next study, not evidence in this one. Two numbers are those of the "
        "two scales.",
    ),
    "agreement": (
        "Agreement",
        "Cohen's kappa with quadratic weights and Krippendorff's alpha for ordinal ratings, on "
        "the models' items without controls. 1 is perfect, 0 is chance. Krippendorff takes .8 as "
        "reliable, and .667 as the least for tentative conclusions.",
    ),
    "correlation": (
        "Rank correlation with automatic measures",
        "Spearman's, over the models' items on which the measure is defined.",
    ),
    "rater": (
        "Mean ratings by rater",
        "Unweighted. A rater who understood the task rates the controls below the models.",
    ),
    "seconds": ("Seconds per item", "How long an item was shown."),
}


class ShownTable(NamedTuple):
    """A table as text.

    Attributes:
        title, meaning: what it shows.
        header, rows: of equal length.
    """

    title: str
    meaning: str
    header: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class StudyScores:
    """The scores of a study; prints as tables.

    Attributes:
        study: the items with their key.
        ratings: what was rated.
        smallest: the smallest difference between two writers that matters, in points.
        findings: all numbers.
        notes: remarks on the findings, one line each.
    """

    study: Study
    ratings: tuple[Rating, ...]
    smallest: float
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    def tables(self) -> list[ShownTable]:
        """The tables that have something to show."""
        return [
            _shown(name, chosen, self.smallest)
            for name in TABLES
            if (chosen := [one for one in self.findings if one.table == name])
        ]

    def __str__(self) -> str:
        lines = [f"{len(self.ratings)} ratings of {len(self.study.items)} items"]
        for table in self.tables():
            lines += ["", table.title, *aligned([table.header, *table.rows])]
        return "\n".join([*lines, *[""] * bool(self.notes), *(f"! {note}" for note in self.notes)])

    def write(self, directory: Path) -> Path:
        """Write `scores.csv`, `items.csv` and `index.html`; each appears whole or not at all.

        Returns:
            The page.
        """
        write_text(directory / "scores.csv", scores_csv(self.findings))
        write_text(directory / "items.csv", items_csv(self.study, self.ratings))
        write_text(directory / "index.html", page(self))
        return directory / "index.html"


def _shown(name: str, found: Sequence[Finding], smallest: float) -> ShownTable:
    """One row per name, one column per scale."""
    scales = list(dict.fromkeys(one.scale for one in found))
    powered = any(one.to_settle or one.to_detect for one in found)
    header = ["rater" if name == "seconds" else name, *scales, "items"]
    header += ["to settle it", f"to detect {smallest:g}"] if powered else []
    rows = []
    for each in dict.fromkeys(one.name for one in found):
        by_scale = {one.scale: one for one in found if one.name == each}
        of_name = list(by_scale.values())
        row = [each, *(_value(by_scale.get(scale)) for scale in scales)]
        row.append(_counts(one.items for one in of_name))
        if powered:
            row += [
                _counts(one.to_settle for one in of_name),
                _counts(one.to_detect for one in of_name),
            ]
        rows.append(row)
    return ShownTable(*TABLES[name], header, rows)


def _value(finding: Finding | None) -> str:
    """`3.21 (2.90 to 3.50)`."""
    if finding is None or finding.value is None:
        return "–"
    sign = finding.table == "difference"
    text = _number(finding.value, sign)
    if finding.low is None or finding.high is None:
        return text
    return f"{text} ({_number(finding.low)} to {_number(finding.high)})"


def _number(value: float, sign: bool = False) -> str:
    text = f"{abs(value):.2f}"
    if float(text) == 0:
        return text
    return (MINUS if value < 0 else "+" if sign else "") + text


def _counts(counts: Iterable[int | None]) -> str:
    """One number where all scales agree, otherwise one per scale."""
    shown = ["–" if count is None else grouped(count) for count in counts]
    return shown[0] if len(set(shown)) == 1 else " / ".join(shown)


def scores_csv(found: Sequence[Finding]) -> str:
    """Every number, one a line."""
    header = [field.name for field in fields(Finding)]
    return csv_text(header, (asdict(one).values() for one in found))


def items_csv(study: Study, ratings: Sequence[Rating]) -> str:
    """Every item with what it was and every rating of it: the data of a separate analysis."""
    names = raters(ratings)
    measures = list(dict.fromkeys(name for one in study.origins for name in one.measures))
    given = {(one.rater, one.item): one for one in ratings}
    parts = [field.name for field in fields(Origin) if field.name != "measures"]
    header = ["item", "group", *parts, *measures]
    for name in names:
        header += [f"{part}, rater {name}" for part in (*SCALES, "seconds", "note")]
    rows = []
    for item, origin in zip(study.items, study.origins, strict=True):
        row: list[object] = [item.id, origin.group, *(getattr(origin, part) for part in parts)]
        row += [origin.measures.get(name) for name in measures]
        for name in names:
            one = given.get((name, item.id))
            row += [one.levels.get(scale) if one else None for scale in SCALES]
            row += [one.seconds, one.note] if one else [None, None]
        rows.append(row)
    return csv_text(header, rows)


def page(scores: StudyScores) -> str:
    """The page's HTML."""
    from saysel.report.templates import environment, style_sheet

    return (
        environment(FOLDER)
        .get_template("report.html")
        .render(scores=scores, tables=scores.tables(), style=style_sheet())
    )
