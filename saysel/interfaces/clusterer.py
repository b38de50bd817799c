"""Responses of one question in, clusters out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from saysel.interfaces.component import Component
from saysel.records import (
    Cluster,
    Question,
    Response,
)


class Clusterer(Component):
    """Groups the responses to one question by meaning.

    ```python
    import saysel
    from saysel.interfaces import Clusterer
    from saysel.records import Cluster


    class FirstLetterClusterer(Clusterer):
        '''Groups responses by the first letter of their answer.'''

        def cluster(self, question, responses):
            groups = {}
            for response in responses:
                if response.answer is not None:
                    groups.setdefault(response.answer[:1].lower(), []).append(response)
            return [
                Cluster(
                    question.id,
                    members=tuple(member.index for member in group),
                    representative=group[0],
                    share=len(group) / len(responses),
                )
                for group in sorted(groups.values(), key=len, reverse=True)
            ]


    @saysel.hookimpl
    def saysel_clusterers():
        return {"first_letter": "sayselfile:FirstLetterClusterer"}
    ```
    """

    kind = "clusterer"

    @abstractmethod
    def cluster(self, question: Question, responses: Sequence[Response]) -> list[Cluster]:
        """Disjoint clusters of the responses that have an answer, largest first."""
