"""The target of "Alignment for Honesty" (arXiv 2312.07000): the share of right samples."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.interfaces import Target
from saysel.records import Cluster, Question, Response


class ExpectedAccuracyTarget(Target):
    """Learn a right answer, or the usual one if none is right, with the share of right samples.

    Other than SaySelf's, it gives an example for every question, with confidence 0 where no
    sample is right. The paper draws k = 10 samples: `sample: {n: 10}`. Samples that could not be
    judged count neither way.
    """

    def target(
        self, question: Question, clusters: Sequence[Cluster], correct: Sequence[float | None]
    ) -> tuple[Response, float] | None:
        share = expected_accuracy(clusters, correct)
        if share is None:
            return None
        return answer(clusters, correct), share


def expected_accuracy(clusters: Sequence[Cluster], correct: Sequence[float | None]) -> float | None:
    """Mean correctness of the samples that could be judged, in [0, 1]; `None`: there is none."""
    judged = [(c.share, y) for c, y in zip(clusters, correct, strict=True) if y is not None]
    total = sum(share for share, _ in judged)
    return min(1.0, sum(share * y for share, y in judged) / total) if total else None


def answer(clusters: Sequence[Cluster], correct: Sequence[float | None]) -> Response:
    """The most frequent right response, or the most frequent one."""
    right = [c for c, y in zip(clusters, correct, strict=True) if y is not None and y >= 0.5]
    return (right or clusters)[0].representative
