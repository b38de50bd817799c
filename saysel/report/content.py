"""What a report is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from saysel.faithfulness.measures import Measured
from saysel.interfaces import Metric
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
        seconds: for one question, on the machine of the run; `None` where nobody timed it. Not
            part of `metrics.json`, on which two runs of one recipe agree.
        metrics: those that the scores were computed with, to test how rows differ.
        clusters: the cluster of each question by id, where questions belong together.
    """

    cell: str
    model: str
    estimator: str
    split: str
    predictions: tuple[Prediction, ...]
    scores: tuple[Score, ...]
    n: int
    seconds: float | None = None
    metrics: tuple[Metric, ...] = ()
    clusters: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        """How many of the n have no confidence that could be read."""
        return sum(p.correct is not None and p.confidence is None for p in self.predictions)

    @property
    def name(self) -> str:
        """`cell · model · estimator`, without what is empty or said twice."""
        parts = [self.cell, self.model, "" if self.estimator == self.model else self.estimator]
        return " · ".join(part for part in parts if part)


@dataclass(frozen=True)
class Rationales:
    """How faithful a model's rationales are.

    Attributes:
        cell, model, split: as in `Row`.
        n: number of questions.
        written: how many of the replies have a rationale.
        samples: fresh samples per question.
        graded, ungraded: rationales whose grade could be read, and not.
        measured: in the order of `saysel.faithfulness.measures.MEASURES`.
    """

    cell: str
    model: str
    split: str
    n: int
    written: int
    samples: int
    graded: int
    ungraded: int
    measured: tuple[Measured, ...]


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
        questions: by cell and id, those that the rows' predictions are about. An id may be
            another question in another cell.
        clusters: by cell and id, the answers sampled and the share of each.
        rationales: one entry per cell and model whose rationales were measured.
    """

    name: str
    title: str
    recipe: Mapping[str, Any]
    manifest: Mapping[str, Any]
    rows: tuple[Row, ...]
    questions: Mapping[str, Mapping[str, Question]]
    clusters: Mapping[str, Mapping[str, Sequence[tuple[str, float]]]]
    rationales: tuple[Rationales, ...] = ()


def ordered(rows: Sequence[Row]) -> list[Row]:
    """The rows as shown: as given, ideal observers last within their cell and split."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.cell, row.split), []).append(row)
    return [
        row for group in groups.values() for row in sorted(group, key=lambda r: r.model == IDEAL)
    ]
