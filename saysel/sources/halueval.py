"""HaluEval (arXiv 2305.11747): questions with an invented answer that sounds right.

The official `qa_data.json` and the hub data set have the same columns. The questions are asked
without the passage that contains the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from saysel.records import Question
from saysel.sources.published import PublishedSource, text_of

ALL = {"train": "data", "rl": "data", "dev": "data", "heldout": "data"}


class HaluEvalSource(PublishedSource):
    """HaluEval: questions, each with a wrong answer that sounds right."""

    repository: str = Field("pminervini/HaluEval", min_length=1, description="hub id or directory")
    subset: str | None = Field("qa", description="configuration of the data set")
    splits: dict[str, str] = Field(
        ALL,
        description="the published split that each saysel split is taken from; it has only one",
    )

    def question(self, row: Mapping[str, Any], name: str, where: str) -> Question:
        return Question(
            id=f"halueval-{name}",
            prompt=text_of(row, ["question"], where),
            answers=(text_of(row, ["right_answer", "answer"], where),),
            wrong_answers=(text_of(row, ["hallucinated_answer"], where),),
        )
