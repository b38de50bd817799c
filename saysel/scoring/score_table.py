"""The scores of some predictions, as a table for a terminal, a notebook or a program."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from saysel.display.numbers import interval, number
from saysel.display.tables import annotated, html_table
from saysel.display.terminal import width
from saysel.records import Score
from saysel.scoring.metric_info import metric_info

#: The numbers of a score; the last three are set only for metrics that sampling noise inflates.
NUMBERS = ("value", "low", "high", "debiased", "by_chance", "p")
HEADER = ("metric", "value", "95 % interval", "better")
NOISE_HEADER = ("without noise", "debiased", "by chance", "p")


@dataclass(frozen=True, repr=False)
class ScoreTable:
    """Scores with 95 % intervals: iterate over them, or look one up with `table["ece"]`.

    Attributes:
        scores: in the order of the metrics.
        predictions: number of judged predictions that they are computed on.
        missing: how many of those answer without a confidence.
        declined: how many of those decline to answer.
    """

    scores: tuple[Score, ...]
    predictions: int
    missing: int
    declined: int = field(default=0, kw_only=True)

    def __iter__(self) -> Iterator[Score]:
        return iter(self.scores)

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, metric: str) -> Score:
        """The score of a metric, by the name that the table shows.

        Raises:
            KeyError: there is no such score.
        """
        return {score.metric: score for score in self.scores}[metric]

    def to_dict(self) -> dict[str, dict[str, float | None]]:
        """The numbers of each score by the metric's name, as in `metrics.json`."""
        return {score.metric: score_numbers(score) for score in self.scores}

    def lines(self, columns: int | None = None) -> list[str]:
        """The table as lines of text.

        Args:
            columns: of the terminal; by default those of the terminal in use.
        """
        columns = columns or width()
        rows, meanings = [HEADER], [""]
        for score in self.scores:
            rows.append(_row(score))
            meanings.append(metric_info(score.metric).meaning)
        return [*annotated(rows, meanings, columns, left=(0, 2, 3)), *self._noise(columns)]

    def _noise(self, columns: int) -> list[str]:
        """A second table: how much of a calibration error is sampling noise."""
        inflated = [score for score in self.scores if score.debiased is not None]
        if not inflated:
            return []
        rows = [NOISE_HEADER]
        for score in inflated:
            debiased, by_chance, p = (
                number(value or 0.0) for value in (score.debiased, score.by_chance, score.p)
            )
            rows.append((score.metric, debiased, by_chance, p))
        return ["", *annotated(rows, [""] * len(rows), columns)]

    def caption(self) -> str:
        """What the scores are computed on."""
        noun = "prediction" if self.predictions == 1 else "predictions"
        declined = f"{self.declined:,} declined, " if self.declined else ""
        return f"{self.predictions:,} {noun}, {declined}{self.missing:,} without a confidence"

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return "\n".join([self.caption(), *self.lines()])

    def _repr_html_(self) -> str:
        """The table for a notebook; a metric's meaning shows when the pointer rests on its name."""
        rows = [_row(score) for score in self.scores]
        meanings = [metric_info(score.metric).meaning for score in self.scores]
        return html_table(HEADER, rows, (0, 3), meanings, self.caption())


def _row(score: Score) -> tuple[str, str, str, str]:
    """Metric, value, interval and direction as text."""
    info = metric_info(score.metric)
    value = "–" if score.value is None else number(score.value, info.counts)
    better = "" if info.better == "neither" else info.better
    return score.metric, value, interval(score.low, score.high, info.counts), better


def score_numbers(score: Score) -> dict[str, float | None]:
    """A score's numbers for JSON: value and interval, and the others where they are known."""
    values = {name: finite(getattr(score, name)) for name in NUMBERS}
    return {
        name: value for name, value in values.items() if name in NUMBERS[:3] or value is not None
    }


def finite(value: float | None) -> float | None:
    """The value; `None` where JSON has no number for it."""
    return value if value is not None and math.isfinite(value) else None
