"""A comparison as tables: for a terminal, a notebook, and the pages of the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from math import ceil

from saysel.display.numbers import interval, number, p_value
from saysel.display.tables import aligned, below, html_table
from saysel.display.terminal import UNLIMITED, width, wrapped
from saysel.scoring.differences import LEVEL, Difference
from saysel.scoring.metric_info import metric_info

HEADER = ("metric", "before", "after", "difference", "95 % interval", "in favour", "p (Holm)")
#: The column of differences with every missing confidence at its worst.
WORST = "missing at worst"
SIGNS = {"better": "✓ ", "worse": "✗ ", "unclear": ""}


@dataclass(frozen=True, repr=False)
class Comparison:
    """All differences from the reference; iterate over `differences`, or print it as a table.

    Attributes:
        reference: name of the first method.
        questions: how many shared questions were compared.
        left_out: shared questions that could not be judged for every method.
        asked: the number of questions of each method, by name.
        missing: how many of the compared questions are answered without a confidence, by method.
        clusters: how many clusters they belong to; `None` if they are independent.
        resamples: how many bootstrap resamples were drawn.
        differences: method by method, in the metrics' order.
        seeds: on how many seeds the methods were run; values are then means over the seeds, and
            questions are those of all seeds.
        declined: how many of the compared questions are declined, by method.
    """

    reference: str
    questions: int
    left_out: int
    asked: Mapping[str, int]
    missing: Mapping[str, int]
    clusters: int | None
    resamples: int
    differences: tuple[Difference, ...]
    seeds: int = 1
    declined: Mapping[str, int] = field(default_factory=dict, kw_only=True)

    @property
    def resamples_needed(self) -> int:
        """With fewer resamples, no difference of this family can be significant."""
        tests = sum(one.p is not None for one in self.differences)
        return ceil(2 * tests / LEVEL)

    def by_method(self) -> list[tuple[str, list[Difference]]]:
        """The differences of each method."""
        groups = groupby(self.differences, key=lambda one: one.method)
        return [(name, list(members)) for name, members in groups]

    def header(self) -> tuple[str, ...]:
        """The titles of the table's columns; that of the outcome is empty."""
        return (*HEADER, WORST, "") if self._worst_shown else (*HEADER, "")

    @property
    def _worst_shown(self) -> bool:
        return any(self.missing.values())

    def row(self, difference: Difference) -> tuple[str, ...]:
        """A difference as text, a value for each column of the header."""
        return row(difference, worst=self._worst_shown)

    def summary(self) -> str:
        """What was compared, on which questions."""
        total = self.questions + self.left_out
        text = f"{total:,} questions are shared"
        if set(self.asked.values()) != {total}:
            counts = ", ".join(f"{name} has {n:,}" for name, n in self.asked.items())
            text += f" ({counts})"
        if self.left_out:
            text += f"; {self.left_out:,} of them were not judged for all and are left out"
        if self.seeds > 1:
            text += f"; they are those of {self.seeds} seeds, over which values are means"
        if self.clusters is not None:
            text += f"; they belong to {self.clusters:,} clusters, which are resampled whole"
        return text

    def notes(self) -> list[str]:
        """Limits of the comparison, a paragraph each."""
        notes = []
        if any(self.declined.values()):
            notes.append(
                f"Declined to answer ({_listed(self.declined)}): metrics of confidence compare the "
                "questions that both methods answer, so read them together with the coverage."
            )
        if self._worst_shown:
            notes.append(
                f"Without a confidence ({_listed(self.missing)}): metrics of confidence compare "
                f"the questions for which both methods state one. '{WORST}' is the difference if "
                "every missing confidence were 1 for a wrong answer and 0 for a right one; where "
                "its sign is the opposite, the outcome is unclear."
            )
        if self.resamples < self.resamples_needed:
            notes.append(
                "No difference can be significant: that many tests need at least "
                f"{self.resamples_needed:,} resamples, and there were {self.resamples:,}. "
                "Leave out --resamples, or compare fewer methods or metrics."
            )
        return notes

    def lines(self, columns: int = UNLIMITED) -> list[str]:
        """The tables as lines of text.

        Args:
            columns: of the terminal. Where a table is wider, each difference is a paragraph.
        """
        lines: list[str] = []
        for note in (self.summary(), *self.notes()):
            lines += wrapped(note, columns=columns).split("\n")
        for name, differences in self.by_method():
            lines += ["", f"before: {self.reference}", f"after:  {name}"]
            rows = [self.header(), *(self.row(difference) for difference in differences)]
            table = aligned(rows, left=(0, len(rows[0]) - 1))
            fits = max(map(len, table)) <= columns
            lines += table if fits else _paragraphs(rows, columns)
        return lines

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return "\n".join(self.lines(width()))

    def _repr_html_(self) -> str:
        """The tables for a notebook."""
        left = (0, len(self.header()) - 1)
        tables = [
            html_table(
                self.header(),
                [self.row(difference) for difference in differences],
                left,
                [metric_info(difference.metric).meaning for difference in differences],
                f"before: {self.reference}, after: {name}; {self.summary()}",
            )
            for name, differences in self.by_method()
        ]
        return "\n".join(tables)


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {n:,}" for name, n in counts.items())


def row(difference: Difference, worst: bool = False) -> tuple[str, ...]:
    """A difference as text; what is not defined is a dash.

    Args:
        worst: whether there is a column `missing at worst`.
    """
    counts = metric_info(difference.metric).counts
    p = difference.p_holm

    def shown(value: float | None, sign: bool = False) -> str:
        return "–" if value is None else number(value, counts, sign)

    return (
        difference.metric,
        shown(difference.before),
        shown(difference.after),
        shown(difference.difference, sign=True),
        interval(difference.low, difference.high, counts, sign=True) or "–",
        "–" if difference.favour is None else f"{difference.favour:.1%}",
        "–" if p is None else p_value(p, LEVEL),
        *([shown(difference.worst, sign=True)] if worst else []),
        "" if difference.p is None else SIGNS[difference.outcome] + difference.outcome,
    )


def _paragraphs(rows: list[tuple[str, ...]], columns: int) -> list[str]:
    """The rows of a table that is too wide: metric and outcome, and below them the numbers."""
    header, *differences = rows
    lines = []
    for metric, *values, outcome in differences:
        named = zip(header[1:-1], values, strict=True)
        lines.append(f"{metric}  {outcome}".rstrip())
        lines += below(", ".join(f"{title} {value}" for title, value in named), columns)
    return lines
