"""TriviaQA (arXiv 1705.03551): trivia with all the names under which an answer is known.

Read as the RLCR release has it (`question`, `answers`), and as its authors' files and the hub
have it (`question_id`, `answer` with `value` and `aliases`). Quirks: some questions of the release
are still quoted as in CSV; aliases that are titles of Wikipedia lose what they have in brackets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from saysel.errors import DataError
from saysel.records import Question
from saysel.sources.hub import texts
from saysel.sources.published import PublishedSource, each_once, text_of

BRACKETS = re.compile(r"\s*\([^()]*\)\s*\Z")


class TriviaQASource(PublishedSource):
    """TriviaQA: trivia, with all the names under which an answer is known."""

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
        description="the data set's split from which each of ours is taken",
    )

    def question(self, row: Mapping[str, Any], name: str, where: str) -> Question:
        asked = text_of(row, ["question", "Question"], where)
        if len(asked) > 1 and asked[0] == asked[-1] == '"':
            asked = asked[1:-1].replace('""', '"')
        answer = row.get("answer", row.get("Answer"))
        if isinstance(answer, Mapping):
            value = answer.get("value", answer.get("Value"))
            aliases = answer.get("aliases", answer.get("Aliases"))
            known = (*texts(value, "answer.value", where), *texts(aliases, "aliases", where))
        else:
            known = texts(row.get("answers", answer), "answers", where)
        answers = each_once(BRACKETS.sub("", one) or one for one in known)
        if not answers:
            raise DataError(f"{where}: the question has no answer under 'answers' or 'answer'")
        return Question(
            # A question of the official files comes once per document: its id is not the row's.
            id=f"triviaqa-{name}",
            prompt=asked.strip(),
            answers=answers,
        )
