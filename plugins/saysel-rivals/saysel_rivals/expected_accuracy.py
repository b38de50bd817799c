"""Expected accuracy (Alignment for Honesty, arXiv 2312.07000): the share of right samples.

Deviation: a question without a right sample teaches the most frequent wrong answer with confidence
0 instead of a refusal.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from saysel.interfaces import Target
from saysel.records import Cluster, Question, Response


class ExpectedAccuracyTarget(Target):
    """Learn a correct answer if there is one, with the share of correct samples as confidence.

    c = (sum of the correctness of the first k samples) / k, in [0, 1]. A sample has the correctness
    of its cluster's representative, and one that is in no cluster counts as wrong: a sample without
    an answer, and, even if it is right, one whose cluster was omitted by `drop_singletons`. Leave
    that option off. The response to learn is from the largest cluster that is right (correctness of
    at least 1/2), or from the largest of all if none is. A question gives no example if one of its
    k samples could not be judged.

    Unlike `correct_cluster`, this keeps the questions without a right sample.
    """

    k: int = Field(
        10, ge=1, description="number of samples per question that count; all if there are fewer"
    )

    def target(
        self, question: Question, clusters: Sequence[Cluster], correct: Sequence[float | None]
    ) -> tuple[Response, float] | None:
        if not clusters:
            return None
        sampled = round(len(clusters[0].members) / clusters[0].share)
        right = 0.0
        for cluster, correctness in zip(clusters, correct, strict=True):
            counted = sum(index < self.k for index in cluster.members)
            if counted and correctness is None:
                return None
            right += counted * (correctness or 0.0)
        learned = next(
            (
                cluster
                for cluster, correctness in zip(clusters, correct, strict=True)
                if correctness is not None and correctness >= 0.5
            ),
            clusters[0],
        )
        return learned.representative, min(1.0, right / min(self.k, sampled))
