"""Rationales from a template: a first-person description of the clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from saysel.interfaces import FingerprintedIfSet, RationaleWriter
from saysel.records import Cluster, Question, Rationale

#: The adverb for a share of at least this much. Each adverb covers several confidences: if adverbs
#: were as fine-grained as the confidence, the rationale would determine the confidence that follows
#: it, and the reward could no longer change it.
HOW_OFTEN = ((0.7, "usually"), (0.4, "often"), (0.15, "sometimes"), (0.0, "rarely"))


def how_often(share: float) -> str:
    """The adverb for a share in (0, 1]."""
    # Shares are counts over n; the small slack keeps 14/20 on the upper side of 0.7.
    return next(adverb for least, adverb in HOW_OFTEN if share >= least - 1e-9)


def tenths(share: float) -> int:
    """A share rounded to tenths, half a tenth upwards."""
    return int(share * 10 + 0.5 + 1e-9)


class TemplateRationaleWriter(RationaleWriter):
    """Name the competing answers and how often each occurs.

    "I would usually say the cellar, sometimes the attic, rarely the barn or something else." With
    `shares: tenths`, "I would say the cellar 7 in 10, the attic 2 in 10 or something else.": more
    precise, so that the confidence that follows depends more on the rationale.
    """

    renamed: ClassVar[Mapping[str, str]] = {"most": "max_answers"}

    max_answers: int = Field(
        3, ge=1, description="maximum number of answers to name, most frequent first"
    )
    shares: FingerprintedIfSet[Literal["adverbs", "tenths"]] = Field(
        "adverbs",
        description="how often each answer occurs: as an adverb, or rounded to tenths; less than a "
        "tenth is not named then",
    )

    def write(self, items: Sequence[tuple[Question, Sequence[Cluster]]]) -> list[Rationale | None]:
        return [self._write(question, clusters) for question, clusters in items]

    def _write(self, question: Question, clusters: Sequence[Cluster]) -> Rationale | None:
        if not clusters:
            return None
        named = clusters[: self.max_answers]
        if self.shares == "tenths":
            # The largest is named in any case.
            named = [named[0], *(cluster for cluster in named[1:] if tenths(cluster.share))]
            text = "I would say " + ", ".join(
                f"{cluster.representative.answer} {tenths(cluster.share)} in 10"
                for cluster in named
            )
        else:
            text = f"I would {how_often(named[0].share)} say {named[0].representative.answer}"
            for cluster in named[1:]:
                text += f", {how_often(cluster.share)} {cluster.representative.answer}"
        if len(clusters) > len(named):
            text += " or something else"
        return Rationale(question.id, f"{text}.")
