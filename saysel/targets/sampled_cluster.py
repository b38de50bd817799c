"""One of the model's own answers, as often as the model gives it."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.interfaces import Target
from saysel.records import Cluster, Question, Response
from saysel.seeds import generator


class SampledClusterTarget(Target):
    """Learn an answer drawn from the samples, correct or not, with the share that agrees with it.

    Over many questions, the examples have the model's own distribution of answers, so that
    fine-tuning changes the answers little and also teaches how rare the rare and wrong ones are.
    Needs no accepted answers. The same question with the same samples gives the same answer.
    """

    def target(
        self, question: Question, clusters: Sequence[Cluster], correct: Sequence[float | None]
    ) -> tuple[Response, float] | None:
        if not clusters:
            return None
        shares = [cluster.share for cluster in clusters]
        (drawn,) = generator("sampled_cluster", question.id).choices(clusters, shares)
        return drawn.representative, drawn.share
