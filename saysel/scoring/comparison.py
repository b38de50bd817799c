"""Methods on the same questions: how far apart they are, and whether that is more than chance.

Every metric is compared on the same bootstrap resamples of the shared questions. What makes a
question hard for all methods cancels out, so differences are far more certain than two separate
intervals suggest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from saysel.errors import DataError, UsageError
from saysel.interfaces import Metric, PredictionArrays
from saysel.records import Prediction
from saysel.scoring.arrays import to_arrays
from saysel.scoring.comparison_table import Comparison
from saysel.scoring.differences import Difference, differences, with_holm
from saysel.scoring.resampled_method import ResampledMethod

#: Bootstrap resamples, at least. More than for intervals: p-values have to survive a correction.
RESAMPLES = 10_000
#: Bootstrap resamples for each test of a family, at least. The smallest p-value is
#: 2 / (resamples + 1), and Holm's correction multiplies it by the number of tests.
RESAMPLES_PER_TEST = 200


@dataclass(frozen=True)
class Method:
    """Predictions under one name.

    Attributes:
        name: as shown.
        predictions: at most one per question.
        prompts: the questions' texts by id, where known. One id with two texts is two questions.
        clusters: the cluster of each question by id, if questions belong together; the first
            method that has clusters decides for all.
    """

    name: str
    predictions: Sequence[Prediction]
    prompts: Mapping[str, str] = field(default_factory=dict)
    clusters: Mapping[str, str] = field(default_factory=dict)


def compare(
    methods: Sequence[Method],
    metrics: Sequence[Metric],
    intersect: bool = False,
    resamples: int | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare every method with the first.

    Args:
        methods: at least two.
        metrics: what to compare. Those with a direction are one family for Holm's correction.
        intersect: leave out questions that not all methods have.
        resamples: bootstrap resamples of the questions, or of their clusters; by default 10,000,
            or 200 for each test if that is more.
        seed: of the resampling.

    Raises:
        UsageError: fewer than two methods or two of one name, or their questions differ and
            `intersect` is not set, or none is shared.
        DataError: a method has two predictions for a question, or one that is not in [0, 1]; or
            a question has no cluster while others have.

    Source: paired bootstrap, Efron & Tibshirani 1993, section 16.4; Holm 1979, "A simple
    sequentially rejective multiple test procedure"; correctness drawn from the confidences:
    consistency resampling, Bröcker & Smith 2007, "Increasing the reliability of reliability
    diagrams".
    """
    import numpy as np

    names = _distinct_names(methods)
    predictions = [by_question(method) for method in methods]
    shared = shared_questions(methods, predictions, intersect)
    judged = judged_questions(shared, predictions)
    clusters = next((method.clusters for method in methods if method.clusters), None)
    arrays = [to_arrays([one[id] for id in judged], clusters) for one in predictions]
    tests = (len(methods) - 1) * sum(metric.better != "neither" for metric in metrics)
    count = resamples or max(RESAMPLES, RESAMPLES_PER_TEST * tests)
    cluster = arrays[0].cluster
    return Comparison(
        reference=names[0],
        questions=len(judged),
        left_out=len(shared) - len(judged),
        asked={method.name: len(method.predictions) for method in methods},
        missing={
            name: int((np.isnan(columns.confidence) & columns.answered).sum())
            for name, columns in zip(names, arrays, strict=True)
        },
        declined={
            name: int((~columns.answered).sum())
            for name, columns in zip(names, arrays, strict=True)
        },
        clusters=None if cluster is None else len(np.unique(cluster)),
        resamples=count,
        differences=_from_reference(names, arrays, metrics, count, seed),
    )


def _from_reference(
    names: Sequence[str],
    arrays: Sequence[PredictionArrays],
    metrics: Sequence[Metric],
    count: int,
    seed: int,
) -> tuple[Difference, ...]:
    """All differences from the first method, tested as one family."""
    reference, *others = (ResampledMethod(metrics, columns, count, seed) for columns in arrays)
    return with_holm(
        [
            difference
            for name, other in zip(names[1:], others, strict=True)
            for difference in differences(name, [(reference, other)])
        ]
    )


def _distinct_names(methods: Sequence[Method]) -> list[str]:
    names = [method.name for method in methods]
    if len(methods) < 2:
        raise UsageError(f"there is nothing to compare: {names[0] if names else 'no method'} only")
    if len(set(names)) < len(names):
        raise UsageError(f"two methods have the same name: {', '.join(names)}")
    return names


def by_question(method: Method) -> dict[str, Prediction]:
    by_id = {prediction.question_id: prediction for prediction in method.predictions}
    if len(by_id) < len(method.predictions):
        counts = Counter(prediction.question_id for prediction in method.predictions)
        ((twice, _),) = counts.most_common(1)
        raise DataError(f"{method.name}: two predictions for the question '{twice}'")
    return by_id


def shared_questions(
    methods: Sequence[Method], predictions: Sequence[Mapping[str, Prediction]], intersect: bool
) -> list[str]:
    """The ids of the questions that all methods have, in the reference's order."""
    shared = [
        id
        for id in predictions[0]
        if all(id in one for one in predictions)
        and len({method.prompts[id] for method in methods if id in method.prompts}) <= 1
    ]
    counts = ", ".join(f"{m.name} has {len(m.predictions):,}" for m in methods)
    texts = set.intersection(*(set(method.prompts.values()) for method in methods))
    if len(texts) > len(shared) and not (intersect and shared):
        raise UsageError(
            f"{len(texts):,} questions have the same text, but only {len(shared):,} of them the "
            f"same id ({counts}): rows without ids are numbered; pair the questions by text with "
            "--column id=NAME, the column of the questions"
        )
    if not shared:
        raise UsageError(f"no question is shared ({counts}): compare answers to the same questions")
    if any(len(one) > len(shared) for one in predictions) and not intersect:
        raise UsageError(
            f"the questions differ: {counts}, and {len(shared):,} are shared; "
            "add --intersect to compare on those"
        )
    return shared


def judged_questions(
    shared: Sequence[str], predictions: Sequence[Mapping[str, Prediction]]
) -> list[str]:
    """The ids of the shared questions that were judged for all methods."""
    judged = [id for id in shared if all(one[id].correct is not None for one in predictions)]
    if not judged:
        raise UsageError(f"none of the {len(shared)} shared questions was judged for all methods")
    return judged
