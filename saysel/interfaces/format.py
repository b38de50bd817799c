"""How answer, rationale and confidence are written and read."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from saysel.interfaces.component import Component
from saysel.interfaces.confidence_marker import marker_end
from saysel.records import (
    Message,
    Question,
)


class Parsed(NamedTuple):
    """The parts of a response that a format could read; `None` for the others.

    Attributes:
        declined: whether the response declines to answer, as in "I don't know". It then has no
            answer, and no confidence in one.
    """

    answer: str | None
    rationale: str | None
    confidence: float | None
    declined: bool = False


class Format(Component):
    """Writes and reads responses: reasoning, answer, rationale and confidence.

    ```python
    import saysel
    from saysel.interfaces import Format, Parsed

    INSTRUCTION = "Give an answer, a rationale, and your confidence from 0 to 10."


    class LinesFormat(Format):
        '''Answer, rationale and confidence on a line each.'''

        confidence_marker = "\\nConfidence: "
        confidences = {str(k): k / 10 for k in range(11)}

        def prompt(self, question):
            return [{"role": "user", "content": f"{question.prompt}\\n{INSTRUCTION}"}]

        def render(self, answer, rationale, confidence, reasoning=""):
            lines = [reasoning] if reasoning else []
            lines.append(f"Answer: {answer}")
            if rationale is not None:
                lines.append(f"Rationale: {rationale}")
            if confidence is not None:
                lines.append(f"Confidence: {int(10 * confidence + 0.5)}")
            return "\\n".join(lines)

        def parse(self, text, cut=False):
            _, found, rest = text.rpartition("Answer: ")
            rest, stated, number = rest.partition(self.confidence_marker)
            answer, _, rationale = rest.partition("\\nRationale: ")
            if not found or (cut and not stated):
                return Parsed(None, None, None)
            confidence = None if cut else self.confidences.get(number)
            return Parsed(answer or None, rationale or None, confidence)

        def reasoning(self, text):
            return text.rpartition("Answer: ")[0].strip()


    @saysel.hookimpl
    def saysel_formats():
        return {"lines": "sayselfile:LinesFormat"}
    ```
    """

    kind = "format"

    #: The text directly before the confidence; PPO's `confidence` mask starts after it.
    confidence_marker: ClassVar[str]
    #: Every text that may follow the marker, up to the end of the response, and its confidence.
    confidences: ClassVar[Mapping[str, float]]

    @abstractmethod
    def prompt(self, question: Question) -> list[Message]:
        """The chat that asks the question."""

    @abstractmethod
    def render(
        self, answer: str, rationale: str | None, confidence: float | None, reasoning: str = ""
    ) -> str:
        """A response; parts that are `None` are left out."""

    @abstractmethod
    def parse(self, text: str, cut: bool = False) -> Parsed:
        """The parts of any text; never raises.

        Args:
            cut: whether the response ended at the token limit. Its last part may be incomplete and
                is `None`: a response cut inside "10" does not state 1.
        """

    def marker_end(self, text: str, cut: bool = False) -> int | None:
        """Where the marker of the confidence that `parse` reads ends in a text.

        A text may contain several markers: a response may start over, quote another confidence, or
        continue with another question. The right one is found by parsing the text with other
        confidences.

        Args:
            cut: see `parse`.

        Returns:
            `None`: there is no marker, or the confidence is not after one, as in "**Confidence**:
            8" where the marker is "Confidence:". The confidence itself may be unreadable.
        """
        return marker_end(self, text, cut)

    def declining_answer(self) -> str | None:
        """What a response that declines says as its answer; `None`: no response declines."""
        return None

    @abstractmethod
    def reasoning(self, text: str) -> str:
        """The text before the answer in a response; empty if there is none."""
