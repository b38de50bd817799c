"""The content of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from saysel.faithfulness.measures import Measured
from saysel.interfaces import Metric
from saysel.recipes.matrix import Axis, Choice
from saysel.records import Prediction, Question, Score
from saysel.replies.counts import ReplyTally

#: Model and estimator of the row for the best possible answers.
IDEAL = "ideal"


@dataclass(frozen=True)
class Row:
    """One line of the report: a model under one estimator, on one split.

    Attributes:
        cell: name of the matrix cell, empty without a matrix.
        model: `base`, the training phase it was measured after, or `ideal`.
        estimator: how answer and confidence were obtained; `ideal` for the ideal observer.
        split: the questions' split.
        predictions: judged predictions, in the questions' order.
        scores: in the recipe's order of metrics.
        n: number of questions that the scores are computed on.
        seconds: for one question, on the machine of the run; `None` if unknown. Not part of
            `metrics.json`, which is the same for two runs of one recipe.
        metrics: those that the scores were computed with, to test how rows differ.
        clusters: the cluster of each question by id, if questions belong together.
        alarms: warnings about these numbers, see `saysel.report.alarms`.
        replies: how many of the replies could be read; `None` if the replies are unknown.
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
    alarms: tuple[str, ...] = ()
    replies: ReplyTally | None = None

    @property
    def missing(self) -> int:
        """How many of the n answer without a confidence."""
        return sum(
            p.correct is not None and p.confidence is None and not p.declined
            for p in self.predictions
        )

    @property
    def declined(self) -> int:
        """How many of the n decline to answer."""
        return sum(p.correct is not None and p.declined for p in self.predictions)

    @property
    def used(self) -> int:
        """How many of the n have a confidence."""
        return self.n - self.missing - self.declined

    @property
    def name(self) -> str:
        """`cell · model · estimator`, without empty and repeated parts."""
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
        graded, ungraded: number of rationales with and without a parseable grade.
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
class Grid:
    """How the cells of a matrix run differ.

    Attributes:
        axes: of the matrix.
        cells: the choices of each cell by its label.
        reference: name of the setting that the others are compared with; `None`: the first.
    """

    axes: tuple[Axis, ...]
    cells: Mapping[str, Mapping[str, Choice]]
    reference: str | None = None


@dataclass(frozen=True)
class Training:
    """How the training of a model went.

    Attributes:
        stage: its name.
        curves: by the name of a figure, pairs of a step and its value.
    """

    stage: str
    curves: Mapping[str, Sequence[tuple[float, float]]]


@dataclass(frozen=True)
class Report:
    """Everything that a report shows.

    Attributes:
        name: the run's name.
        title: the page's heading.
        recipe: the resolved recipe.
        manifest: the run's manifest; its `stages` maps a stage to `seconds`, `tokens`,
            `peak_memory_mb`, `fingerprint` and `work: {units, unit}`.
        rows: in the order of measurement; ideal rows are shown last.
        questions: by cell and id, those of the rows' predictions. The same id may be a different
            question in another cell.
        clusters: by cell and id, the sampled answers with the share of each.
        rationales: one entry per cell and model whose rationales were measured.
        grid: how the cells of a matrix differ; `None` for a run, or a report of a single cell.
        training: the training stages; empty for a matrix, whose cells have separate pages.
    """

    name: str
    title: str
    recipe: Mapping[str, Any]
    manifest: Mapping[str, Any]
    rows: tuple[Row, ...]
    questions: Mapping[str, Mapping[str, Question]]
    clusters: Mapping[str, Mapping[str, Sequence[tuple[str, float]]]]
    rationales: tuple[Rationales, ...] = ()
    grid: Grid | None = None
    training: tuple[Training, ...] = ()


def score_of(row: Row, metric: str) -> Score | None:
    """The row's score of a metric; `None` if it has none."""
    return next((score for score in row.scores if score.metric == metric), None)


def ordered(rows: Sequence[Row]) -> list[Row]:
    """The rows as they are shown: ideal observers last within their cell and split."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.cell, row.split), []).append(row)
    return [
        row for group in groups.values() for row in sorted(group, key=lambda r: r.model == IDEAL)
    ]
