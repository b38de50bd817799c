"""Questions from any data set on the hub."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, model_validator
from typing_extensions import Self

from saysel.errors import DataError, NoSplit, require
from saysel.files.accepted_answers import accepted_answers, distinct
from saysel.interfaces import NotFingerprinted
from saysel.records import Question
from saysel.sources import hub_rows
from saysel.sources.splits import SPLITS, HashSplitSource, words

COMMIT = re.compile(r"[0-9a-f]{40}")


class RemoteSource(HashSplitSource):
    """Rows of a data set on the hub at one commit, made into questions."""

    stops_at_limit: ClassVar[bool] = True
    #: What a message suggests in addition to naming a commit.
    alternative: ClassVar[str] = ""

    repository: str = Field(min_length=1, description="hub id, or a directory of data files")
    revision: str | None = Field(
        None,
        description="commit of the repository, 40 hex digits; branches and tags are refused, "
        "because they move",
    )
    subset: str | None = Field(None, description="configuration, if the data set has several")
    splits: dict[str, str] = Field(
        {"train": "train", "dev": "train", "heldout": "test"},
        description="the published split that each saysel split is taken from; saysel splits with "
        "the same one divide it in proportion to `shares`",
    )
    stream: NotFingerprinted[bool] = Field(
        True,
        description="read only as many rows as `limits` need, instead of downloading all first",
    )

    @model_validator(mode="after")
    def _data_are_determined(self) -> Self:
        if self.on_hub() and not COMMIT.fullmatch(self.revision or ""):
            raise ValueError(
                f"give a commit of {self.repository} under `revision`, in 40 hex digits, because "
                f"branches and tags move (got {self.revision!r}){self.alternative}"
            )
        if unknown := set(self.splits) - set(SPLITS):
            raise ValueError(
                f"no such split: {', '.join(sorted(unknown))}; use {', '.join(SPLITS)}"
            )
        for published in set(self.splits.values()):
            splits = [split for split, name in self.splits.items() if name == published]
            if len(splits) > 1 and not sum(self.shares.get(split, 0) for split in splits):
                raise ValueError(
                    f"{', '.join(splits)} are all taken from '{published}': give each its share of "
                    "it under `shares`"
                )
        return self

    @property
    def origin(self) -> str:
        return self.repository

    def on_hub(self) -> bool:
        """Whether the questions are read over the network."""
        return not Path(self.repository).is_dir()

    @abstractmethod
    def question(self, row: Mapping[str, Any], name: str, where: str) -> Question | None:
        """The question of a row; `None` skips the row.

        Args:
            row: as it is in the data set.
            name: an id, for rows without one.
            where: the row's place, for messages.

        Raises:
            DataError: a column is missing, or has the wrong type.
        """

    def check_installed(self) -> None:
        require(f"the source '{self.use or type(self).__name__}'", "hub", "datasets")

    def size(self, split: str) -> int | None:
        return self.limits.get(split)

    def digest(self) -> str:
        return hub_rows.digest(self.repository)

    def shares_among(self, split: str) -> Mapping[str, float]:
        published = self.splits.get(split)
        splits = [name for name in self.splits if self.splits[name] == published]
        return {name: self.shares.get(name, 0.0) if len(splits) > 1 else 1.0 for name in splits}

    def candidates(self, split: str) -> Iterator[tuple[Question, str | None]]:
        """The questions of the split's rows; a wording that occurs again is skipped."""
        if split not in self.splits:
            raise NoSplit(
                f"{self.repository}: no published split is given for '{split}': add it to "
                "source.splits"
            )
        published = self.splits[split]
        rows = hub_rows.rows(
            self.repository,
            split=published,
            subset=self.subset,
            revision=self.revision,
            stream=self.stream,
        )
        seen: set[str] = set()
        for number, row in enumerate(rows, 1):
            where = f"{self.repository}, split '{published}', row {number}"
            question = self.question(row, f"{published}-{number}", where)
            if question is not None and words(question.prompt) not in seen:
                seen.add(words(question.prompt))
                yield question, None


class HubSource(RemoteSource):
    """Questions from any data set on the hub, at one commit, by the names of its columns.

    A name with dots reaches into nested columns: `answer.aliases`.
    """

    version: ClassVar[int] = 2

    question_column: str = Field("question", description="what the model is asked")
    answer_column: str = Field(
        "answer", description="the accepted answer, or a list of them; the first one is displayed"
    )
    wrong_column: str | None = Field(None, description="known wrong answers")
    id_column: str | None = Field(
        None, description="unique within the split; default: the row's number"
    )

    def question(self, row: Mapping[str, Any], name: str, where: str) -> Question | None:
        prompt = reach(row, self.question_column, where)
        if not isinstance(prompt, str) or not prompt.strip():
            raise DataError(
                f"{where}: '{self.question_column}' must be a text (got {prompt!r:.40})"
            )
        answers = texts(reach(row, self.answer_column, where), self.answer_column, where)
        if not answers:
            raise DataError(f"{where}: '{self.answer_column}' holds no answer")
        wrong: tuple[str, ...] = ()
        if self.wrong_column is not None:
            wrong = texts(reach(row, self.wrong_column, where), self.wrong_column, where)
        id = reach(row, self.id_column, where) if self.id_column else name
        return Question(str(id), prompt, answers, wrong)


def reach(row: Mapping[str, Any], column: str, where: str) -> Any:
    """The value under a name with dots.

    Raises:
        DataError: there is none.
    """
    value: Any = row
    for part in column.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise DataError(
                f"{where}: there is no column '{column}'; the columns are "
                f"{', '.join(map(str, row))}"
            )
        value = value[part]
    return value


def texts(value: object, column: str, where: str) -> tuple[str, ...]:
    """The answers in a column, in any shape that data sets use, stripped, without duplicates.

    Raises:
        DataError: see `saysel.files.accepted_answers.accepted_answers`.
    """
    return distinct(accepted_answers(value, column, where))
