"""Clusters of equal answers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from saysel.interfaces import Clusterer
from saysel.records import Cluster, Question, Response


def key(answer: str) -> str:
    """What two answers must share to be equal: words, without case, articles, punctuation."""
    words = re.findall(r"\w+", answer.casefold())
    return " ".join(word for word in words if word not in {"a", "an", "the"}) or answer.casefold()


class ExactClusterer(Clusterer):
    """Group responses whose answers are the same words."""

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
