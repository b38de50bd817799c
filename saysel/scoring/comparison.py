"""Two methods on the same questions: how far apart they are, and whether that is more than chance.

Every metric is compared on the same bootstrap resamples of the shared questions, so that what makes
a question hard for both cancels out: differences are far more certain than two intervals side by
side suggest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

from saysel.errors import DataError, UsageError
from saysel.interfaces import Metric
from saysel.records import Prediction
from saysel.scoring.differences import LEVEL, Difference, Draws, differences, holm
from saysel.scoring.scores import columns

#: Bootstrap samples, at least. More than for intervals: p-values have to survive a correction.
RESAMPLES = 10_000
#: Bootstrap samples for each test of a family, at least. The least p-value is
#: 2 / (resamples + 1), and Holm's correction multiplies it by the number of tests.
RESAMPLES_PER_TEST = 200


@dataclass(frozen=True)
class Method:
    """Predictions under one name.

    Attributes:
        name: as shown.
        predictions: at most one per question.
        prompts: the questions' texts by id, where they are known. One id with two texts is two
            questions.
        clusters: the cluster of each question by id, where questions belong together; the first
            method that has clusters decides for all.
    """

    name: str
    predictions: Sequence[Prediction]
    prompts: Mapping[str, str] = field(default_factory=dict)
    clusters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """All differences from the reference.

    Attributes:
        reference: name of the first method.
        questions: how many shared questions were compared.
        left_out: shared questions that could not be judged for every method.
        asked: the number of questions of each method, by name.
        missing: how many of the compared questions have no confidence, by method.
        clusters: how many clusters they belong to; `None` if they are independent.
        resamples: how many bootstrap samples were drawn.
        differences: method by method, in the metrics' order.
    """

    reference: str
    questions: int
    left_out: int
    asked: Mapping[str, int]
    missing: Mapping[str, int]
    clusters: int | None
    resamples: int
    differences: tuple[Difference, ...]

    @property
    def resamples_needed(self) -> int:
        """With fewer resamples, no difference of this family can be certain."""
        tests = sum(one.p is not None for one in self.differences)
        return ceil(2 * tests / LEVEL)


def compare(
    methods: Sequence[Method],
    metrics: Sequence[Metric],
    intersect: bool = False,
    resamples: int | None = None,
    seed: int = 0,
) -> Comparison:
    """Every method against the first.

    Args:
        methods: at least two.
        metrics: what to compare. Those with a direction are one family for Holm's correction.
        intersect: leave out questions that not all methods have.
        resamples: bootstrap samples of the questions, or of their clusters; by default 10,000,
            and 200 for each test if that is more.
        seed: of the resampling.

    Raises:
        UsageError: fewer than two methods or two of one name, or their questions differ and
            `intersect` is not set, or none is shared.
        DataError: a method has two predictions for a question, or one that is not in [0, 1]; or
            a question is in no cluster while others are.

    Source: paired bootstrap, Efron & Tibshirani 1993, section 16.4; Holm 1979, "A simple
    sequentially rejective multiple test procedure"; correctness drawn from the confidences:
    consistency resampling, Bröcker & Smith 2007, "Increasing the reliability of reliability
    diagrams".
    """
    import numpy as np

    names = [method.name for method in methods]
    if len(methods) < 2:
        raise UsageError(f"there is nothing to compare: {names[0] if names else 'no method'} only")
    if len(set(names)) < len(names):
        raise UsageError(f"one is named twice: {', '.join(names)}")
    predictions, common = _shared(methods, intersect)
    judged = [id for id in common if all(one[id].correct is not None for one in predictions)]
    if not judged:
        raise UsageError(f"none of the {len(common)} shared questions was judged for all methods")
    clusters = next((method.clusters for method in methods if method.clusters), None)
    given = [columns([one[id] for id in judged], clusters) for one in predictions]
    tests = (len(methods) - 1) * sum(metric.better != "neither" for metric in metrics)
    count = resamples or max(RESAMPLES, RESAMPLES_PER_TEST * tests)
    reference = Draws(metrics, given[0], count, seed)
    found = [
        difference
        for name, other in zip(names[1:], given[1:], strict=True)
        for difference in differences(name, reference, Draws(metrics, other, count, seed))
    ]
    corrected = iter(holm([one.p for one in found if one.p is not None]))
    cluster = given[0].cluster
    return Comparison(
        names[0],
        len(judged),
        len(common) - len(judged),
        {method.name: len(method.predictions) for method in methods},
        {name: int(np.isnan(one.confidence).sum()) for name, one in zip(names, given, strict=True)},
        None if cluster is None else len(np.unique(cluster)),
        count,
        tuple(
            one if one.p is None else replace(one, p_holm=float(next(corrected))) for one in found
        ),
    )


def _shared(
    methods: Sequence[Method], intersect: bool
) -> tuple[list[dict[str, Prediction]], list[str]]:
    """Each method's predictions by question, and the questions that all of them have."""
    found = []
    for method in methods:
        by_id = {prediction.question_id: prediction for prediction in method.predictions}
        if len(by_id) < len(method.predictions):
            ((twice, _),) = Counter(p.question_id for p in method.predictions).most_common(1)
            raise DataError(f"{method.name}: two predictions for the question '{twice}'")
        found.append(by_id)
    common = [
        id
        for id in found[0]
        if all(id in one for one in found)
        and len({method.prompts[id] for method in methods if id in method.prompts}) <= 1
    ]
    told = ", ".join(f"{m.name} has {len(m.predictions):,}" for m in methods)
    if not common:
        raise UsageError(f"no question is shared ({told}): compare answers to the same questions")
    if any(len(one) > len(common) for one in found) and not intersect:
        raise UsageError(
            f"the questions differ: {told}, and {len(common):,} are shared; "
            "add --intersect to compare on those"
        )
    return found, common
