"""Rationales by a language model that sees how responses differ (arXiv 2405.20974, section 2.1).

As in the paper, the model sees one response per cluster with the cluster's share, and writes in
the first person; questions on which the responses agree get a fixed sentence. The paper's prompt
is not public; this one is our own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import Field

from saysel.interfaces import RationaleWriter
from saysel.prompting.llm import AsksLanguageModel
from saysel.prompting.quoting import quote
from saysel.records import Cluster, Question, Rationale
from saysel.replies.thoughts import blank_thoughts

LABEL = re.compile(r"\A\W*(?:self-reflection|reflection|rationale)\W*:\W*", re.IGNORECASE)
FIRST_PERSON = re.compile(r"\b(?:I|I'm|I’m|my|me|mine|myself)\b", re.IGNORECASE)
#: What formats read as the next part of a reply: a rationale that contains it would end there.
MARKER = re.compile(r"\b(?:answer|self-reflection|confidence)\W{0,3}:|</?\w+>", re.IGNORECASE)
CERTAIN_TEXT = "I am sure of this answer and see nothing that speaks for another."
#: Shares are counts divided by n; this keeps a share of 9/10 from falling below 0.9.
SHARE_TOLERANCE = 1e-9


class LlmRationaleWriter(AsksLanguageModel, RationaleWriter):
    """A language model writes about what the responses disagree on.

    Responses are shown without their thoughts, and quoted, so that nothing in them can pass for the
    rest of the prompt. A reply is used if it is in the first person, ends like a sentence, and
    contains none of the words by which a format separates the parts of a reply.
    """

    version = 3
    renamed: ClassVar[Mapping[str, str]] = {"most": "max_responses"}

    default_prompt: ClassVar[str] = "rationales/reflection.txt"
    placeholders: ClassVar[tuple[str, ...]] = ("{question}", "{responses}")

    max_responses: int = Field(
        10, ge=1, description="maximum responses to show, from the largest clusters"
    )
    certain: float | None = Field(
        1.0,
        gt=0,
        le=1,
        description="share of the largest cluster from which the model is no longer asked; null: "
        "always ask",
    )
    certain_text: str = Field(
        CERTAIN_TEXT, min_length=1, description="the rationale if the model is not asked"
    )

    def write(self, items: Sequence[tuple[Question, Sequence[Cluster]]]) -> list[Rationale | None]:
        rationales: list[Rationale | None] = [None] * len(items)
        disputed = []  # rows of the questions that the model is asked about
        for row, (question, clusters) in enumerate(items):
            if not clusters:
                continue
            if self.certain and clusters[0].share >= self.certain - SHARE_TOLERANCE:
                rationales[row] = Rationale(question.id, self.certain_text)
            else:
                disputed.append(row)
        prompts = [
            self.filled({"{question}": question.prompt, "{responses}": self._shown(clusters)})
            for question, clusters in (items[row] for row in disputed)
        ]
        for row, text in zip(disputed, self.replies(prompts, read), strict=True):
            if text is not None:
                rationales[row] = Rationale(items[row][0].id, text)
        return rationales

    def responses_shown(self, n: int) -> int:
        return min(self.max_responses, n)

    def _shown(self, clusters: Sequence[Cluster]) -> str:
        """One response per cluster, with its share."""
        return "\n\n".join(
            f"Response {number} ({cluster.share:.0%} of all): "
            f"{quote(blank_thoughts(cluster.representative.text))}"
            for number, cluster in enumerate(clusters[: self.max_responses], 1)
        )


def read(reply: str) -> str | None:
    """The rationale in a reply, on one line; `None` if it has none."""
    text = LABEL.sub("", " ".join(reply.split())).strip(" \"'*")
    if not FIRST_PERSON.search(text) or not text.endswith((".", "!", "?")) or MARKER.search(text):
        return None
    return text
