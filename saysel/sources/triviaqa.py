"""TriviaQA (arXiv 1705.03551): trivia with all known aliases of each answer.

Both the RLCR release (`question`, `answers`) and the original files and hub data set
(`question_id`, `answer` with `value` and `aliases`) are read. Some questions of the release are
still quoted as in CSV; the quotes are removed. So is what aliases taken from titles of Wikipedia
have in brackets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from saysel.errors import DataError
from saysel.files.accepted_answers import distinct
from saysel.records import Question
from saysel.sources.hub import texts
from saysel.sources.published import PublishedSource, text_of

BRACKETS = re.compile(r"\s*\([^()]*\)\s*\Z")


class TriviaQASource(PublishedSource):
    """TriviaQA: trivia, with all known aliases of each answer."""

    version: ClassVar[int] = 2

    repository: str = Field(
        "mandarjoshi/trivia_qa", min_length=1, description="hub id or directory"
    )
    revision: str | None = Field(
        "0f7faf33a3908546c6fd5b73a660e0f8ff173c2f", description="commit of the repository"
    )
    subset: str | None = Field("rc.nocontext", description="configuration of the data set")
    splits: dict[str, str] = Field(
        {"train": "train", "rl": "train", "dev": "train", "heldout": "validation"},
        description="the published split that each saysel split is taken from",
    )

    def question(self, row: Mapping[str, Any], name: str, where: str) -> Question:
        prompt = text_of(row, ["question", "Question"], where)
        if len(prompt) > 1 and prompt[0] == prompt[-1] == '"':
            prompt = prompt[1:-1].replace('""', '"')
        answer = row.get("answer", row.get("Answer"))
        if isinstance(answer, Mapping):
            value = answer.get("value", answer.get("Value"))
            aliases = answer.get("aliases", answer.get("Aliases"))
            known = (*texts(value, "answer.value", where), *texts(aliases, "aliases", where))
        else:
            known = texts(row.get("answers", answer), "answers", where)
        answers = distinct(BRACKETS.sub("", answer) or answer for answer in known)
        if not answers:
            raise DataError(f"{where}: the question has no answer under 'answers' or 'answer'")
        return Question(
            # The official files have one row per document, so the question's own id is not unique.
            id=f"triviaqa-{name}",
            prompt=prompt.strip(),
            answers=answers,
        )
