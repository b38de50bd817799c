"""ConfQA (arXiv 2506.07309): answer if the model is right, say that it is unsure otherwise.

Deviations: the model's answer is its most frequent one of several samples, instead of a single
reply, and the example teaches that answer instead of the accepted one. An answer is followed by the
share of samples that agree, because the format states a confidence. The paper's other half, simple
facts from a knowledge graph, is a matter of the questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from saysel.interfaces import Target
from saysel.records import Cluster, Question, Response


class ConfQaTarget(Target):
    """Learn the most frequent answer if it is right, and to decline if it is wrong.

    An answer is right if its correctness is at least 1/2. The format needs the option `decline`:
    its text is learned as the answer, with the rationale and without a confidence. A question whose
    answer could not be judged gives no example.
    """

    declines: ClassVar[bool] = True

    def target(
        self, question: Question, clusters: Sequence[Cluster], correct: Sequence[float | None]
    ) -> tuple[Response, float | None] | None:
        if not clusters or correct[0] is None:
            return None
        own = clusters[0].representative
        if correct[0] >= 0.5:
            return own, clusters[0].share
        # Without its text: the reasoning led to the wrong answer.
        return replace(own, text="", answer=None, declined=True), None
