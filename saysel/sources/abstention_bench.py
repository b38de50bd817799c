"""AbstentionBench (arXiv 2506.09038): questions that have an answer, and others that have none.

Columns: `question`, `reference_answers` (a list, or null) and `should_abstain`. On the hub it is a
script that collects twenty data sets, which saysel does not run: write its rows to a file first,
with `load_dataset(…)` of datasets 3.6 and `.to_json("abstention_bench.jsonl")`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from saysel.records import UNANSWERABLE, Question
from saysel.sources.choices import choice
from saysel.sources.hub import texts
from saysel.sources.published import PublishedSource, text_of

ALL = {"train": "test", "rl": "test", "dev": "test", "heldout": "test"}


class AbstentionBenchSource(PublishedSource):
    """AbstentionBench: questions with an answer, and questions to which declining is right.

    The accepted answer of a question without an answer is "unanswerable". Questions that have an
    answer, but no reference answer, are left out, and so is a question that occurs as both kinds.
    Write the data set to a file and name it under `path`: on the hub it is a script.
    """

    repository: str = Field(
        "facebook/AbstentionBench", min_length=1, description="hub id or directory"
    )
    splits: dict[str, str] = Field(
        ALL,
        description="the published split that each saysel split is taken from; it has only one",
    )

    def question(self, row: Mapping[str, Any], name: str, where: str) -> Question | None:
        prompt = text_of(row, ["question"], where)
        if choice(row.get("should_abstain"), ("true", "false"), where) == "true":
            return Question(f"abstention-{name}", prompt, (UNANSWERABLE,))
        given = row.get("reference_answers")
        answers = () if given is None else texts(given, "reference_answers", where)
        return Question(f"abstention-{name}", prompt, answers) if answers else None

    def merged(self, first: Question, again: Question) -> Question | None:
        """None if the same wording occurs with and without an answer."""
        if first.unanswerable != again.unanswerable:
            return None
        return super().merged(first, again)
