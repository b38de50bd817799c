"""Clusters of equal answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import ClassVar

from saysel.answers import key
from saysel.interfaces import Clusterer
from saysel.records import Cluster, Question, Response


class ExactClusterer(Clusterer):
    """Group responses whose answers are the same words and numbers, as `match` judges them."""

    version: ClassVar[int] = 2

    def cluster(self, question: Question, responses: Sequence[Response]) -> list[Cluster]:
        groups: dict[str, list[Response]] = defaultdict(list)
        for response in responses:
            if response.answer is not None:
                groups[key(response.answer)].append(response)
        # Largest first; ties go to the answer that came first, so that order is settled.
        return [
            Cluster(
                question.id,
                tuple(member.index for member in members),
                members[0],
                len(members) / len(responses),
            )
            for members in sorted(groups.values(), key=len, reverse=True)
        ]
