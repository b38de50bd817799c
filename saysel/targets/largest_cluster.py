"""The model's own majority answer, right or wrong."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.interfaces import Target
from saysel.records import Cluster, Question, Response


class LargestClusterTarget(Target):
    """Learn the most frequent answer with its share; needs no accepted answers."""

    def target(
        self, question: Question, clusters: Sequence[Cluster], correct: Sequence[float | None]
    ) -> tuple[Response, float] | None:
        if not clusters:
            return None
        return clusters[0].representative, clusters[0].share
