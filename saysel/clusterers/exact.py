"""Clusters of equal answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import ClassVar

from saysel.answers import keys
from saysel.interfaces import Clusterer
from saysel.records import Cluster, Question, Response


class ExactClusterer(Clusterer):
    """Group responses whose answers have the same normal form.

    It is the normal form of the judge `match`: words without case, accents, punctuation and
    articles; equal numbers, quantities, dates and expressions. Equality is transitive. A number
    without a unit takes the unit of the other answers if they state only one.
    """

    version: ClassVar[int] = 4

    def cluster(self, question: Question, responses: Sequence[Response]) -> list[Cluster]:
        answered = [response for response in responses if response.answer is not None]
        groups: dict[str, list[Response]] = defaultdict(list)
        for response, key in zip(
            answered, keys([response.answer or "" for response in answered]), strict=True
        ):
            groups[key].append(response)
        # Largest first; of equal ones, the answer that came first: the order is deterministic.
        return [
            Cluster(
                question.id,
                tuple(member.index for member in members),
                members[0],
                len(members) / len(responses),
            )
            for members in sorted(groups.values(), key=len, reverse=True)
        ]
