"""What a report is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saysel.records import Prediction, Question, Score

#: Model and estimator of the row that shows the best answer anybody could give.
IDEAL = "ideal"


@dataclass(frozen=True)
class Row:
    """One line of the report: a model, asked in one way, on one split.

    Attributes:
        cell: name of the matrix cell, empty without a matrix.
        model: `base`, the training phase it was measured after, or `ideal`.
        estimator: how answer and confidence were had; `ideal` for the ideal observer.
        split: the questions' split.
        predictions: judged predictions, in the questions' order.
        scores: in the recipe's order of metrics.
        n: number of questions that the scores are computed on.
    """

    cell: str
    model: str
    estimator: str
    split: str
    predictions: tuple[Prediction, ...]
    scores: tuple[Score, ...]
    n: int

    @property
    def name(self) -> str:
        """`cell · model · estimator`, without what is empty or said twice."""
        parts = [self.cell, self.model, "" if self.estimator == self.model else self.estimator]
        return " · ".join(part for part in parts if part)


@dataclass(frozen=True)
class Report:
    """Everything a report shows.

    Attributes:
        name: the run's name.
        title: the page's heading.
        recipe: the resolved recipe.
        manifest: the run's manifest; its `stages` maps a stage to `seconds`, `tokens`,
            `peak_memory_mb`, `fingerprint` and `work: {units, unit}`.
        rows: in the order they were measured; ideal rows are shown last.
        questions: by id, those that the rows' predictions are about.
        clusters: for held-out questions, the answers sampled and the share of each.
    """

    name: str
    title: str
    recipe: Mapping[str, Any]
    manifest: Mapping[str, Any]
    rows: tuple[Row, ...]
    questions: Mapping[str, Question]
    clusters: Mapping[str, Sequence[tuple[str, float]]]


def ordered(rows: Sequence[Row]) -> list[Row]:
    """The rows as shown: as given, ideal observers last within their cell and split."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.cell, row.split), []).append(row)
    return [
        row for group in groups.values() for row in sorted(group, key=lambda r: r.model == IDEAL)
    ]
