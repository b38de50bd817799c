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
from saysel.files.accepted_answers import accepted_answers
from saysel.interfaces import NotFingerprinted
from saysel.records import Question
from saysel.sources import hub_rows
from saysel.sources.splits import SPLITS, DealtSource, words

COMMIT = re.compile(r"[0-9a-f]{40}")


class RemoteSource(DealtSource):
    """Rows of a data set on the hub at one commit, made into questions."""

    stops: ClassVar[bool] = True
    #: What else can be done where no commit is named.
    otherwise: ClassVar[str] = ""

    repository: str = Field(min_length=1, description="hub id, or a directory of data files")
    revision: str | None = Field(
        None, description="commit of the repository, 40 hex digits; branches and tags move"
    )
    subset: str | None = Field(None, description="configuration, where the data set has several")
    splits: dict[str, str] = Field(
        {"train": "train", "dev": "train", "heldout": "test"},
        description="the data set's split from which each of ours is taken; those that share one "
        "are dealt out in the proportion of their shares",
    )
    stream: NotFingerprinted[bool] = Field(
        True, description="read row by row, as far as `limits` need, instead of downloading first"
    )

    @model_validator(mode="after")
    def _what_is_read_is_settled(self) -> Self:
        if self.on_hub() and not COMMIT.fullmatch(self.revision or ""):
            raise ValueError(
                f"say under `revision` which commit of {self.repository}, in 40 hex digits, "
                f"because branches and tags move (got {self.revision!r}){self.otherwise}"
            )
        if unknown := set(self.splits) - set(SPLITS):
            raise ValueError(
                f"no such split: {', '.join(sorted(unknown))}; use {', '.join(SPLITS)}"
            )
        for theirs in set(self.splits.values()):
            ours = [split for split, one in self.splits.items() if one == theirs]
            if len(ours) > 1 and not sum(self.shares.get(split, 0) for split in ours):
                raise ValueError(
                    f"{', '.join(ours)} are all taken from '{theirs}': say under `shares` how much "
                    "of it each gets"
                )
        return self

    @property
    def origin(self) -> str:
        return self.repository

    def on_hub(self) -> bool:
        """Whether the questions come over the network."""
        return not Path(self.repository).is_dir()

    @abstractmethod
    def question(self, row: Mapping[str, Any], name: str, where: str) -> Question | None:
        """A row as a question; `None`: it is none, and is passed over.

        Args:
            row: as the data set has it.
            name: an id, for rows that have none of their own.
            where: place of the row, for messages.

        Raises:
            DataError: a column is missing, or has the wrong type.
        """

    def check_installed(self) -> None:
        require(f"the source '{self.use or type(self).__name__}'", "hub", "datasets")

    def size(self, split: str) -> int | None:
        return self.limits.get(split)

    def digest(self) -> str:
        return hub_rows.digest(self.repository)

    def dealt_among(self, split: str) -> Mapping[str, float]:
        together = [one for one in self.splits if self.splits[one] == self.splits.get(split)]
        return {one: self.shares.get(one, 0.0) if len(together) > 1 else 1.0 for one in together}

    def candidates(self, split: str) -> Iterator[tuple[Question, str | None]]:
        """The questions of the split's rows; a wording that comes again is passed over."""
        if split not in self.splits:
            raise NoSplit(
                f"{self.repository}: nothing says what '{split}' is taken from: add it to "
                "source.splits"
            )
        theirs = self.splits[split]
        read = hub_rows.rows(self.repository, self.subset, self.revision, theirs, self.stream)
        seen: set[str] = set()
        for number, row in enumerate(read, 1):
            where = f"{self.repository}, split '{theirs}', row {number}"
            question = self.question(row, f"{theirs}-{number}", where)
            if question is not None and words(question.prompt) not in seen:
                seen.add(words(question.prompt))
                yield question, None


class HubSource(RemoteSource):
    """Questions from any data set on the hub, at one commit, by the names of its columns.

    A name with points reaches inside: `answer.aliases`.
    """

    version: ClassVar[int] = 2

    question_column: str = Field("question", description="what the model is asked")
    answer_column: str = Field(
        "answer", description="the accepted answer, or a list of them; the first is the one to show"
    )
    wrong_column: str | None = Field(None, description="known wrong answers")
    id_column: str | None = Field(None, description="unique in the split; default: the row's place")

    def question(self, row: Mapping[str, Any], name: str, where: str) -> Question | None:
        asked = reach(row, self.question_column, where)
        if not isinstance(asked, str) or not asked.strip():
            raise DataError(f"{where}: '{self.question_column}' must be a text (got {asked!r:.40})")
        answers = texts(reach(row, self.answer_column, where), self.answer_column, where)
        if not answers:
            raise DataError(f"{where}: '{self.answer_column}' holds no answer")
        wrong: tuple[str, ...] = ()
        if self.wrong_column is not None:
            wrong = texts(reach(row, self.wrong_column, where), self.wrong_column, where)
        own = reach(row, self.id_column, where) if self.id_column else name
        return Question(str(own), asked, answers, wrong)


def reach(row: Mapping[str, Any], column: str, where: str) -> Any:
    """What stands under a name with points.

    Raises:
        DataError: nothing does.
    """
    found: Any = row
    for part in column.split("."):
        if not isinstance(found, Mapping) or part not in found:
            raise DataError(
                f"{where}: there is no column '{column}'; there are {', '.join(map(str, row))}"
            )
        found = found[part]
    return found


def texts(value: object, column: str, where: str) -> tuple[str, ...]:
    """The answers in a column, in any shape that data sets use, stripped, each once.

    Raises:
        DataError: see `saysel.files.accepted_answers.accepted_answers`.
    """
    answers = accepted_answers(value, column, where)
    return tuple(dict.fromkeys(answer.strip() for answer in answers))
