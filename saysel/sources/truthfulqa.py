"""TruthfulQA (arXiv 2109.07958): questions that many people answer with a common error.

Read as the SaySelf release has it (`question`, `answer`, `negative_answer`), as its authors' CSV
file has it (`Question`, `Best Answer`, answers separated by semicolons), and as the hub has it.
Answers are sentences: to judge them, compare meanings. Of the release, 56 questions are answered
by "I have no comment".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from saysel.files.accepted_answers import accepted_answers
from saysel.records import Question
from saysel.sources.published import PublishedSource, each_once, text_of

ALL = {"train": "validation", "rl": "validation", "dev": "validation", "heldout": "validation"}


class TruthfulQASource(PublishedSource):
    """TruthfulQA: questions that invite a common error; answers are sentences."""

    version: ClassVar[int] = 2

    repository: str = Field(
        "truthfulqa/truthful_qa", min_length=1, description="hub id or directory"
    )
    revision: str | None = Field(
        "741b8276f2d1982aa3d5b832d3ee81ed3b896490", description="commit of the repository"
    )
    subset: str | None = Field("generation", description="configuration of the data set")
    splits: dict[str, str] = Field(
        ALL, description="the data set's split from which each of ours is taken; it has only one"
    )

    def question(self, row: Mapping[str, Any], name: str, where: str) -> Question:
        best = text_of(row, ["best_answer", "Best Answer", "answer"], where)
        right = _listed(row, ("correct_answers", "Correct Answers"), ";", where)
        wrong = _listed(
            row, ("incorrect_answers", "Incorrect Answers", "negative_answer"), ";", where
        )
        if "negative_answer" in row:
            wrong = each_once(part for text in wrong for part in text.split("/"))
        kinds = {key: row.get(key) or row.get(key.title()) for key in ("category", "type")}
        return Question(
            id=f"truthfulqa-{name}",
            prompt=text_of(row, ["question", "Question"], where),
            answers=each_once([best, *right]),
            wrong_answers=wrong,
            meta={key: kind for key, kind in kinds.items() if isinstance(kind, str)},
        )


def _listed(
    row: Mapping[str, Any], names: tuple[str, ...], separator: str, where: str
) -> tuple[str, ...]:
    """The texts of the first of some columns that the row has; none where it has none."""
    for name in names:
        if name in row:
            return each_once(accepted_answers(row[name], name, where, separator))
    return ()
