"""HaluEval (arXiv 2305.11747), its questions: each with an invented answer that sounds right.

The columns of the official `qa_data.json` and of the hub are the same. Asked without the passage
that knows the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from saysel.records import Question
from saysel.sources.published import PublishedSource, text_of

ALL = {"train": "data", "rl": "data", "dev": "data", "heldout": "data"}


class HaluEvalSource(PublishedSource):
    """HaluEval's questions, each with a wrong answer that sounds right."""

    repository: str = Field("pminervini/HaluEval", min_length=1, description="hub id or directory")
    subset: str | None = Field("qa", description="configuration of the data set")
    splits: dict[str, str] = Field(
        ALL, description="the data set's split from which each of ours is taken; it has only one"
    )

    def question(self, row: Mapping[str, Any], name: str, where: str) -> Question:
        return Question(
            id=f"halueval-{name}",
            prompt=text_of(row, ["question"], where),
            answers=(text_of(row, ["right_answer", "answer"], where),),
            wrong_answers=(text_of(row, ["hallucinated_answer"], where),),
        )
