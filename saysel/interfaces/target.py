"""Which response and confidence to learn."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from typing_extensions import Self

from saysel.interfaces.component import Component
from saysel.records import (
    Cluster,
    Question,
    Response,
)


class Target(Component):
    """Chooses the response to learn from a question's clusters, and the confidence to state.

    ```python
    import saysel
    from saysel.interfaces import Target


    class LargestTarget(Target):
        '''Learn the most frequent answer, with its share as the confidence.'''

        def target(self, question, clusters, correct):
            if not clusters:
                return None
            return clusters[0].representative, clusters[0].share


    @saysel.hookimpl
    def saysel_targets():
        return {"largest": "sayselfile:LargestTarget"}
    ```
    """

    kind = "target"

    #: Whether it may choose a response that declines; the format must then have the option.
    declines: ClassVar[bool] = False

    def fit(
        self, items: Sequence[tuple[Question, Sequence[Cluster], Sequence[float | None]]]
    ) -> Self:
        """A copy fitted to all questions, if a confidence depends on other questions too.

        Called once before `target`. It is deterministic.

        Args:
            items: the arguments of all later calls of `target`.
        """
        return self

    @abstractmethod
    def target(
        self, question: Question, clusters: Sequence[Cluster], correct: Sequence[float | None]
    ) -> tuple[Response, float | None] | None:
        """The response and its confidence in [0, 1]; `None`: the question gives no example.

        A response with `declined` teaches to decline: the format's phrase is learned in place of
        an answer, and it has no confidence (`None`).

        Args:
            clusters: largest first.
            correct: correctness of each cluster's representative; `None` where the judge failed.
        """
