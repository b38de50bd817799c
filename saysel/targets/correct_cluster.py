"""The paper's target (arXiv 2405.20974, section 2.1)."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.interfaces import Target
from saysel.records import Cluster, Question, Response


class CorrectClusterTarget(Target):
    """Learn a correct response with the share of the responses that agree with it.

    The confidence is S_c / N for the correct cluster c of size S_c; the format rounds it to tenths.
    A question without a correct cluster gives no example. If several clusters are correct (aliases
    that the clusterer keeps apart), the response is that of the largest, and the confidence is the
    sum of their shares.
    """

    def target(
        self, question: Question, clusters: Sequence[Cluster], correct: Sequence[float | None]
    ) -> tuple[Response, float] | None:
        right = [
            cluster
            for cluster, correctness in zip(clusters, correct, strict=True)
            if correctness is not None and correctness >= 0.5
        ]
        if not right:
            return None
        return right[0].representative, min(1.0, sum(cluster.share for cluster in right))
