"""Replies with only answer and confidence: the paper's ablation, and most other methods."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.interfaces import RationaleWriter
from saysel.records import Cluster, Question, Rationale


class NoRationaleWriter(RationaleWriter):
    """Leave the rationale out (arXiv 2405.20974, the ablation without self-reflection)."""

    def write(self, items: Sequence[tuple[Question, Sequence[Cluster]]]) -> list[Rationale | None]:
        return [Rationale(question.id, "") for question, _ in items]
