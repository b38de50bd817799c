"""FEVER (arXiv 1803.05355): statements that are true, false, or cannot be verified.

Both the SaySelf release (`question`, `answer`, instructions in the question) and the original files
(`claim`, `label`) are read. The release wraps each statement in a long instruction. It is replaced
by a short one, because the leak check would take questions that share most of their wording for
duplicates. A statement with two different labels is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from saysel.records import Question
from saysel.sources.choices import ChoiceSource, choice, others
from saysel.sources.published import text_of

CHOICES = ("true", "false", "unknown")
LABELS = {"SUPPORTS": "true", "REFUTES": "false", "NOT ENOUGH INFO": "unknown"}


class FeverSource(ChoiceSource):
    """FEVER: statements that are true, false, or cannot be verified."""

    repository: str = Field("fever/fever", min_length=1, description="hub id or directory")
    subset: str | None = Field("v1.0", description="configuration of the data set")
    splits: dict[str, str] = Field(
        {"train": "train", "rl": "train", "dev": "train", "heldout": "labelled_dev"},
        description="the published split that each saysel split is taken from",
    )

    def question(self, row: Mapping[str, Any], name: str, where: str) -> Question:
        claim = text_of(row, ["claim", "question"], where)
        lines = claim.splitlines()
        if len(lines) == 5 and lines[0].startswith("Please provide your reasoning"):
            claim = lines[1].strip()
        label = row.get("label", row.get("answer"))
        right = choice(LABELS.get(str(label), label), CHOICES, where)
        return Question(
            # The hub has one row per piece of evidence, so the claim's own id is not unique.
            id=f"fever-{name}",
            prompt=f"Is this statement true? {claim} Answer true, false or unknown.",
            answers=(right,),
            wrong_answers=others(right, CHOICES),
        )
