"""TruthfulQA (arXiv 2109.07958): questions that many people answer with a common misconception.

The SaySelf release (`question`, `answer`, `negative_answer`), the original CSV file (`Question`,
`Best Answer`, answers separated by semicolons) and the hub data set are read. Answers are
sentences: choose a judge that compares meanings. In the release, the answer to 56 questions is
"I have no comment".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from saysel.files.accepted_answers import accepted_answers, distinct
from saysel.records import Question
from saysel.sources.published import PublishedSource, text_of

ALL = {"train": "validation", "rl": "validation", "dev": "validation", "heldout": "validation"}


class TruthfulQASource(PublishedSource):
    """TruthfulQA: questions that invite a common misconception; answers are sentences."""

    version: ClassVar[int] = 2

    repository: str = Field(
        "truthfulqa/truthful_qa", min_length=1, description="hub id or directory"
    )
    revision: str | None = Field(
        "741b8276f2d1982aa3d5b832d3ee81ed3b896490", description="commit of the repository"
    )
    subset: str | None = Field("generation", description="configuration of the data set")
    splits: dict[str, str] = Field(
        ALL,
        description="the published split that each saysel split is taken from; it has only one",
    )

    def question(self, row: Mapping[str, Any], name: str, where: str) -> Question:
        best = text_of(row, ["best_answer", "Best Answer", "answer"], where)
        right = _listed(row, ("correct_answers", "Correct Answers"), ";", where)
        wrong = _listed(
            row, ("incorrect_answers", "Incorrect Answers", "negative_answer"), ";", where
        )
        if "negative_answer" in row:
            wrong = distinct(part for text in wrong for part in text.split("/"))
        kinds = {key: row.get(key) or row.get(key.title()) for key in ("category", "type")}
        return Question(
            id=f"truthfulqa-{name}",
            prompt=text_of(row, ["question", "Question"], where),
            answers=distinct([best, *right]),
            wrong_answers=wrong,
            meta={key: kind for key, kind in kinds.items() if isinstance(kind, str)},
        )


def _listed(
    row: Mapping[str, Any], names: tuple[str, ...], separator: str, where: str
) -> tuple[str, ...]:
    """The texts in the first of several columns that the row has; empty if it has none."""
    for name in names:
        if name in row:
            return distinct(accepted_answers(row[name], name, where, separator))
    return ()
