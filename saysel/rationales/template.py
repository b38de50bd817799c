"""Rationales without a language model: true to the clusters, in plain first-person English."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from saysel.interfaces import RationaleWriter
from saysel.records import Cluster, Question, Rationale

#: A share of at least so much is said in this way. Each word leaves several confidences open:
#: were the word as fine as the confidence, the one would settle the other before it is stated,
#: and nothing would be left for the reward to move.
HOW_OFTEN = ((0.7, "usually"), (0.4, "often"), (0.15, "sometimes"), (0.0, "rarely"))


def how_often(share: float) -> str:
    """The adverb for a share in (0, 1]."""
    # Shares are counts over n; the small slack keeps 14/20 on the upper side of 0.7.
    return next(adverb for least, adverb in HOW_OFTEN if share >= least - 1e-9)


class TemplateRationaleWriter(RationaleWriter):
    """Name the competing answers and how often each came up.

    "I would usually say the cellar, sometimes the attic, rarely the barn or something else."
    """

    most: int = Field(3, ge=1, description="answers to name, most frequent first")

    def write(self, items: Sequence[tuple[Question, Sequence[Cluster]]]) -> list[Rationale | None]:
        return [self._write(question, clusters) for question, clusters in items]

    def _write(self, question: Question, clusters: Sequence[Cluster]) -> Rationale | None:
        if not clusters:
            return None
        largest, *others = clusters[: self.most]
        text = f"I would {how_often(largest.share)} say {largest.representative.answer}"
        for cluster in others:
            text += f", {how_often(cluster.share)} {cluster.representative.answer}"
        if len(clusters) > self.most:
            text += " or something else"
        return Rationale(question.id, f"{text}.")
