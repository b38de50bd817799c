"""StrategyQA (arXiv 2101.02235): yes-or-no questions that need several implicit steps.

Both the SaySelf release (`question`, `answer`, instructions in the question) and the original files
and hub data set (`qid`, `question`, `answer`) are read. The release wraps each question in a long
instruction. It is replaced by a short one, because the leak check would take questions that share
most of their wording for duplicates.
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
    """StrategyQA: true or false, by several implicit steps."""

    repository: str = Field("ChilleD/StrategyQA", min_length=1, description="hub id or directory")
    splits: dict[str, str] = Field(
        {"train": "train", "rl": "train", "dev": "train", "heldout": "test"},
        description="the published split that each saysel split is taken from",
    )

    def question(self, row: Mapping[str, Any], name: str, where: str) -> Question:
        prompt = text_of(row, ["question"], where)
        lines = prompt.splitlines()
        if len(lines) == 4 and lines[0].startswith("Answer the following question with"):
            prompt = lines[1].strip()
        right = choice(row.get("answer"), CHOICES, where)
        return Question(
            id=f"strategyqa-{row.get('qid') or name}",
            prompt=f"{prompt} Answer true or false.",
            answers=(right,),
            wrong_answers=others(right, CHOICES),
        )
