"""A question and its clusters in, a rationale out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from saysel.interfaces.component import Component
from saysel.records import (
    Cluster,
    Question,
    Rationale,
)


class RationaleWriter(Component):
    """Writes a first-person rationale from the clusters of a question's responses.

    ```python
    import saysel
    from saysel.interfaces import RationaleWriter
    from saysel.records import Rationale


    class ListRationaleWriter(RationaleWriter):
        '''Lists the answers with their shares.'''

        def write(self, items):
            return [self._rationale(question, clusters) for question, clusters in items]

        def _rationale(self, question, clusters):
            shares = [f"{one.representative.answer} ({one.share:.0%})" for one in clusters]
            if not shares:
                return None
            return Rationale(question.id, f"I would say {', '.join(shares)}.")


    @saysel.hookimpl
    def saysel_rationales():
        return {"list": "sayselfile:ListRationaleWriter"}
    ```
    """

    kind = "rationale"

    @abstractmethod
    def write(self, items: Sequence[tuple[Question, Sequence[Cluster]]]) -> list[Rationale | None]:
        """One rationale per item; `None` where none could be written, which is counted.

        An empty text is a valid rationale: the response to learn then has no rationale.
        """

    def responses_shown(self, n: int) -> int:
        """The maximum number of a question's n responses in a prompt, for estimates."""
        return n
