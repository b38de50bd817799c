"""Assignment of questions to splits."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from pydantic import Field, model_validator
from typing_extensions import Self

from saysel.errors import DataError, NoSplit
from saysel.interfaces import Source
from saysel.records import Question

SPLITS = ("pretrain", "train", "rl", "dev", "heldout")
#: Largest number of questions of each split in a `--smoke` run.
SMOKE_SIZES = {"pretrain": 256, "train": 16, "rl": 16, "dev": 16, "heldout": 16}


class HashSplitSource(Source):
    """Questions that each belong to one split for good.

    A row names its split, or a hash of its question decides, so that a question that occurs twice
    is never in two splits, and adding rows moves none of the others.
    """

    #: Whether reading stops at the last question that `limits` need.
    stops_at_limit: ClassVar[bool] = False

    shares: dict[str, float] = Field(
        {"train": 0.7, "dev": 0.1, "heldout": 0.2},
        description="shares of the splits among rows that do not name one",
    )
    limits: dict[str, int] = Field(
        {},
        description="maximum number of questions by split; the first ones are used, so "
        "shuffle a file that is sorted by topic",
    )
    seed: int = Field(0, ge=0, description="another seed assigns the questions differently")

    @model_validator(mode="after")
    def _splits_are_known(self) -> Self:
        unknown = {*self.shares, *self.limits} - set(SPLITS)
        if unknown:
            raise ValueError(
                f"no such split: {', '.join(sorted(unknown))}; use {', '.join(SPLITS)}"
            )
        if min(self.shares.values(), default=0) < 0 or abs(sum(self.shares.values()) - 1) > 1e-6:
            raise ValueError("the shares must be at least 0 and add up to 1")
        return self

    @property
    @abstractmethod
    def origin(self) -> str:
        """Where the questions come from, for messages."""

    @abstractmethod
    def candidates(self, split: str) -> Iterable[tuple[Question, str | None]]:
        """Every question that may belong to the split, with the split it names."""

    def shares_among(self, split: str) -> Mapping[str, float]:
        """The splits that the candidates of a split are divided among, with their shares."""
        return self.shares

    def smoke(self) -> Self:
        limits = {split: min(n, self.limits.get(split, n)) for split, n in SMOKE_SIZES.items()}
        return self.model_copy(update={"limits": limits})

    def questions(self, split: str) -> Iterator[Question]:
        if split not in SPLITS:
            raise NoSplit(f"{self.origin}: there is no split '{split}'; use {', '.join(SPLITS)}")
        remaining = self.limits.get(split)
        shares = self.shares_among(split)
        ids: set[str] = set()
        for question, named in self.candidates(split):
            if self.stops_at_limit and remaining == 0:
                return
            if question.id in ids:
                raise DataError(
                    f"{self.origin}: the id '{question.id}' occurs twice: "
                    "give every question its own"
                )
            ids.add(question.id)
            if (named or self._assigned(question, shares)) == split and remaining != 0:
                remaining = None if remaining is None else remaining - 1
                yield question

    def _assigned(self, question: Question, shares: Mapping[str, float]) -> str:
        digest = hashlib.sha256(f"{self.seed}/{words(question.prompt)}".encode()).digest()
        position = int.from_bytes(digest[:8], "big") / 2**64 * sum(shares.values())
        for split in SPLITS:
            position -= shares.get(split, 0.0)
            if position < 0:
                return split
        return next(split for split in reversed(SPLITS) if shares.get(split, 0.0) > 0)


def words(text: str) -> str:
    """A question's wording, ignoring case and white space."""
    return " ".join(text.casefold().split())
