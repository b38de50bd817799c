"""Rationales by a language model that sees where responses part (arXiv 2405.20974, section 2.1).

As in the paper, the model is shown one response per cluster with the cluster's share and writes in
the first person; questions that the responses leave no doubt about get a fixed sentence. The
paper's prompt is not public: the wording is ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from saysel.interfaces import RationaleWriter
from saysel.prompting.llm import AsksModel
from saysel.prompting.quoting import quote
from saysel.records import Cluster, Question, Rationale

LABEL = re.compile(r"\A\W*(?:self-reflection|reflection|rationale)\W*:\W*", re.IGNORECASE)
FIRST_PERSON = re.compile(r"\b(?:I|I'm|I’m|my|me|mine|myself)\b", re.IGNORECASE)
#: What formats read as the next part of a reply: a rationale that has it would be cut there.
MARKER = re.compile(r"\b(?:answer|self-reflection|confidence)\W{0,3}:|</?\w+>", re.IGNORECASE)
CERTAIN = "I am sure of this answer and see nothing that speaks for another."


class LlmRationaleWriter(AsksModel, RationaleWriter):
    """A language model reflects on what the responses disagree on.

    Responses are quoted, so that nothing in them can pass for the rest of the prompt. A reply is
    used if it speaks in the first person, ends like a sentence, and holds none of the
    words by which a format tells the parts of a reply.
    """

    version = 2

    wording: ClassVar[str] = "rationales/reflection.txt"
    places: ClassVar[tuple[str, ...]] = ("{question}", "{responses}")

    most: int = Field(10, ge=1, description="responses to show, of the largest clusters")
    certain: float | None = Field(
        1.0,
        gt=0,
        le=1,
        description="share of the largest cluster from which on nobody is asked; null: always ask",
    )
    certain_text: str = Field(
        CERTAIN, min_length=1, description="the rationale where nobody is asked"
    )

    def write(self, items: Sequence[tuple[Question, Sequence[Cluster]]]) -> list[Rationale | None]:
        found: list[Rationale | None] = [None] * len(items)
        places = []
        for place, (question, clusters) in enumerate(items):
            # Shares are counts over n; the small slack keeps 9/10 at 0.9.
            if clusters and self.certain and clusters[0].share >= self.certain - 1e-9:
                found[place] = Rationale(question.id, self.certain_text)
            elif clusters:
                places.append(place)
        prompts = [
            self.filled(
                {"{question}": items[place][0].prompt, "{responses}": self._shown(items[place][1])}
            )
            for place in places
        ]
        for place, text in zip(places, self.replies(prompts, read), strict=True):
            if text is not None:
                found[place] = Rationale(items[place][0].id, text)
        return found

    def responses_shown(self, n: int) -> int:
        return min(self.most, n)

    def _shown(self, clusters: Sequence[Cluster]) -> str:
        """One response per cluster, with its share."""
        return "\n\n".join(
            f"Response {number} ({cluster.share:.0%} of all): {quote(cluster.representative.text)}"
            for number, cluster in enumerate(clusters[: self.most], 1)
        )


def read(reply: str) -> str | None:
    """The rationale in a reply, on one line; `None` if it is none."""
    text = LABEL.sub("", " ".join(reply.split())).strip(" \"'*")
    if not FIRST_PERSON.search(text) or not text.endswith((".", "!", "?")) or MARKER.search(text):
        return None
    return text
