"""GSM8K (arXiv 2110.14168): word problems whose answer is a number.

Both the RLCR release (`answer` is a number, derived in `solution`) and the original files and hub
data set (`answer` is the solution, which ends in `####` and the number) are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from saysel.errors import DataError
from saysel.records import Question
from saysel.sources.published import PublishedSource, text_of

MARK = "####"


class GSM8KSource(PublishedSource):
    """GSM8K: word problems whose answer is a number."""

    repository: str = Field("openai/gsm8k", min_length=1, description="hub id or directory")
    revision: str | None = Field(
        "cc7b047b6e5bb11b4f1af84efc572db110a51b3c", description="commit of the repository"
    )
    subset: str | None = Field("main", description="configuration of the data set")
    splits: dict[str, str] = Field(
        {"train": "train", "rl": "train", "dev": "train", "heldout": "test"},
        description="the published split that each saysel split is taken from",
    )

    def question(self, row: Mapping[str, Any], name: str, where: str) -> Question:
        solution = text_of(row, ["answer"], where)
        number = solution.rpartition(MARK)[2].strip()
        if not number:
            raise DataError(f"{where}: there is no number after '{MARK}'")
        return Question(
            id=f"gsm8k-{name}", prompt=text_of(row, ["question"], where), answers=(number,)
        )
