"""HotpotQA (arXiv 1809.09600), SaySelf's training set: questions that need two articles.

The official files and the hub data set have the same columns. The questions are asked without the
articles, as in SaySelf.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from saysel.records import Question
from saysel.sources.published import PublishedSource, text_of


class HotpotQASource(PublishedSource):
    """HotpotQA: questions that need two Wikipedia articles, asked without them."""

    repository: str = Field("hotpotqa/hotpot_qa", min_length=1, description="hub id or directory")
    revision: str | None = Field(
        "1908d6afbbead072334abe2965f91bd2709910ab", description="commit of the repository"
    )
    subset: str | None = Field("distractor", description="configuration of the data set")
    splits: dict[str, str] = Field(
        {"train": "train", "rl": "train", "dev": "train", "heldout": "validation"},
        description="the published split that each saysel split is taken from",
    )

    def question(self, row: Mapping[str, Any], name: str, where: str) -> Question:
        id = row.get("_id") or row.get("id")
        return Question(
            id=f"hotpotqa-{id or name}",
            prompt=text_of(row, ["question"], where),
            answers=(text_of(row, ["answer"], where),),
            meta={key: row[key] for key in ("type", "level") if isinstance(row.get(key), str)},
        )
