"""SimpleQA Verified (arXiv 2509.07968) and SimpleQA (arXiv 2411.04368): short questions of fact.

Both have the columns `problem` and `answer`. Some answers of SimpleQA Verified end with an
acceptable range, as in "38 (acceptable range: anything between 37 and 39)".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from saysel.records import Question
from saysel.sources.published import PublishedSource, text_of

ALL = {"train": "eval", "rl": "eval", "dev": "eval", "heldout": "eval"}
RANGE = re.compile(r"\s*\(\s*(acceptable range[^()]*)\)\s*\Z", re.IGNORECASE)
META = ("topic", "answer_type")


class SimpleQASource(PublishedSource):
    """SimpleQA Verified or SimpleQA: short questions of fact with one answer.

    Where an answer has an acceptable range, the answer without it and the whole text are accepted.
    A judge that reads, such as `llm`, applies the range; `match` accepts the exact value only.
    """

    repository: str = Field(
        "google/simpleqa-verified", min_length=1, description="hub id or directory"
    )
    splits: dict[str, str] = Field(
        ALL,
        description="the published split that each saysel split is taken from; it has only one",
    )

    def question(self, row: Mapping[str, Any], name: str, where: str) -> Question:
        answer = text_of(row, ["answer"], where)
        value = RANGE.sub("", answer)
        return Question(
            id=f"simpleqa-{row.get('original_index', name)}",
            prompt=text_of(row, ["problem"], where),
            answers=tuple(dict.fromkeys([value or answer, answer])),
            meta={key: row[key] for key in META if isinstance(row.get(key), str)},
        )
