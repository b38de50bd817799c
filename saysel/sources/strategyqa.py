"""StrategyQA (arXiv 2101.02235): true or false, by steps that the question does not name.

Read as the SaySelf release has it (`question`, `answer`, instructions in the question), and as
its authors' files and the hub have it (`qid`, `question`, `answer`). The release wraps each
question in a long instruction; it is taken off and a short one of ours put behind, because a
wording that all questions share makes the leak check take them for each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from saysel.records import Question
from saysel.sources.choices import ChoiceSource, choice, others
from saysel.sources.published import text_of

CHOICES = ("true", "false")


class StrategyQASource(ChoiceSource):
    """StrategyQA: true or false, by steps that the question does not name."""

    repository: str = Field("ChilleD/StrategyQA", min_length=1, description="hub id or directory")
    splits: dict[str, str] = Field(
        {"train": "train", "rl": "train", "dev": "train", "heldout": "test"},
        description="the data set's split from which each of ours is taken",
    )

    def question(self, row: Mapping[str, Any], name: str, where: str) -> Question:
        asked = text_of(row, ["question"], where)
        lines = asked.splitlines()
        if len(lines) == 4 and lines[0].startswith("Answer the following question with"):
            asked = lines[1].strip()
        right = choice(row.get("answer"), CHOICES, where)
        return Question(
            id=f"strategyqa-{row.get('qid') or name}",
            prompt=f"{asked} Answer true or false.",
            answers=(right,),
            wrong_answers=others(right, CHOICES),
        )
