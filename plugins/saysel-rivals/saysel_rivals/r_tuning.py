"""R-Tuning's target (arXiv 2311.09677): sure of what one gets right, unsure of the rest."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.interfaces import Target
from saysel.records import Cluster, Question, Response


class RTuningTarget(Target):
    """Learn the model's own usual answer, sure (1) where it is right and unsure (0) where not.

    The usual answer is that of the largest cluster. The paper words the two as "I am sure" and
    "I am unsure"; here the format words them, as its confidences 1 and 0.
    """

    def target(
        self, question: Question, clusters: Sequence[Cluster], correct: Sequence[float | None]
    ) -> tuple[Response, float] | None:
        if not clusters or correct[0] is None:
            return None
        return clusters[0].representative, 1.0 if correct[0] >= 0.5 else 0.0
