"""Rationales from a template: a first-person description of the clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import Field

from saysel.interfaces import RationaleWriter
from saysel.records import Cluster, Question, Rationale

#: The adverb for a share of at least this much. Each adverb covers several confidences: if adverbs
#: were as fine-grained as the confidence, the rationale would determine the confidence that follows
#: it, and the reward could no longer change it.
HOW_OFTEN = ((0.7, "usually"), (0.4, "often"), (0.15, "sometimes"), (0.0, "rarely"))


def how_often(share: float) -> str:
    """The adverb for a share in (0, 1]."""
    # Shares are counts over n; the small slack keeps 14/20 on the upper side of 0.7.
    return next(adverb for least, adverb in HOW_OFTEN if share >= least - 1e-9)


class TemplateRationaleWriter(RationaleWriter):
    """Name the competing answers and how often each occurs.

    "I would usually say the cellar, sometimes the attic, rarely the barn or something else."
    """

    renamed: ClassVar[Mapping[str, str]] = {"most": "max_answers"}

    max_answers: int = Field(
        3, ge=1, description="maximum number of answers to name, most frequent first"
    )

    def write(self, items: Sequence[tuple[Question, Sequence[Cluster]]]) -> list[Rationale | None]:
        return [self._write(question, clusters) for question, clusters in items]

    def _write(self, question: Question, clusters: Sequence[Cluster]) -> Rationale | None:
        if not clusters:
            return None
        largest, *others = clusters[: self.max_answers]
        text = f"I would {how_often(largest.share)} say {largest.representative.answer}"
        for cluster in others:
            text += f", {how_often(cluster.share)} {cluster.representative.answer}"
        if len(clusters) > self.max_answers:
            text += " or something else"
        return Rationale(question.id, f"{text}.")
