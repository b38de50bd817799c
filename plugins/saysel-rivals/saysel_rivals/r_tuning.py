"""R-Tuning (arXiv 2311.09677): confident if the model's own answer is right, unsure otherwise.

Deviations: the answer to learn is the model's own most frequent one, so that the confidence refers
to what the model will answer. The certainty is stated in the recipe's format, as confidence 1 or
0, instead of the sentences "I am sure" and "I am unsure": formats have at least eleven
confidences, and replies are then evaluated like those of every other method.
"""

from __future__ import annotations

from collections.abc import Sequence

from saysel.interfaces import Target
from saysel.records import Cluster, Question, Response


class RTuningTarget(Target):
    """Learn the most frequent answer, with confidence 1 if it is right and 0 if it is wrong.

    An answer is right if its correctness is at least 1/2. A question whose answer could not be
    judged gives no example.
    """

    def target(
        self, question: Question, clusters: Sequence[Cluster], correct: Sequence[float | None]
    ) -> tuple[Response, float] | None:
        if not clusters or correct[0] is None:
            return None
        return clusters[0].representative, float(correct[0] >= 0.5)
