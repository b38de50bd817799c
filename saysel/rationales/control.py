"""Rationales that say nothing about their question, to compare other writers with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, cast

from pydantic import Field

from saysel.interfaces import RationaleWriter
from saysel.records import Cluster, Question, Rationale
from saysel.seeds import generator

GENERIC = "I am not entirely sure about this."


class ControlRationaleWriter(RationaleWriter):
    """Rationales of the right form with the wrong content.

    What is gained with another writer and not with these is due to what its rationales say. All
    use the answers and the confidences of the same samples.

    - `shuffled`: what `writer` writes about another question. The text may name the uncertainty
      of another question, with its answers.
    - `random`: what `writer` writes if each sampled answer is replaced by an answer of another
      question, with the same share. The uncertainty is right, and the answers are wrong.
    - `generic`: the same sentence for every question.

    Other questions are those of the same shard.
    """

    content: Literal["shuffled", "random", "generic"] = Field(
        "shuffled", description="what is wrong with the rationales"
    )
    writer: RationaleWriter = Field(
        cast(Any, "template"),
        validate_default=True,
        description="writes what is shuffled, or about random answers",
    )
    seed: int = Field(0, ge=0, description="decides which other question")

    def check_installed(self) -> None:
        self.writer.check_installed()

    def responses_shown(self, n: int) -> int:
        return 0 if self.content == "generic" else self.writer.responses_shown(n)

    def write(self, items: Sequence[tuple[Question, Sequence[Cluster]]]) -> list[Rationale | None]:
        if self.content == "generic":
            return [Rationale(question.id, GENERIC) for question, _ in items]
        if self.content == "random":
            return self.writer.write(self._with_other_answers(items))
        return self._shuffled(items, self.writer.write(items))

    def _shuffled(
        self, items: Sequence[tuple[Question, Sequence[Cluster]]], own: Sequence[Rationale | None]
    ) -> list[Rationale | None]:
        """Each question's rationale replaced by that of the next one in a random order."""
        rows = [row for row, rationale in enumerate(own) if rationale is not None]
        generator("control", self.seed, *(items[row][0].id for row in rows)).shuffle(rows)
        found: list[Rationale | None] = [None] * len(items)
        if len(rows) > 1:  # alone, a question has no other
            for row, other in zip(rows, [*rows[1:], rows[0]], strict=True):
                rationale = own[other]
                assert rationale is not None
                found[row] = replace(rationale, question_id=items[row][0].id)
        return found

    def _with_other_answers(
        self, items: Sequence[tuple[Question, Sequence[Cluster]]]
    ) -> list[tuple[Question, list[Cluster]]]:
        """The items with each cluster's answer replaced by one of another question."""
        changed = []
        for question, clusters in items:
            own = {cluster.representative.answer for cluster in clusters}
            others = sorted(
                {
                    cluster.representative.answer or ""
                    for other, theirs in items
                    if other.id != question.id
                    for cluster in theirs
                }
                - own
            )
            chosen = generator("control", self.seed, question.id)
            # No answer is used twice for a question, so there may be fewer clusters.
            answers = chosen.sample(others, min(len(clusters), len(others)))
            changed.append((question, [*map(_answering, clusters, answers)]))
        return changed


def _answering(cluster: Cluster, answer: str) -> Cluster:
    """The cluster, as if its responses gave another answer."""
    return replace(
        cluster, representative=replace(cluster.representative, answer=answer, text=answer)
    )
