"""Dealing questions out to splits."""

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


class DealtSource(Source):
    """Questions of which each belongs to one split for good.

    A row says its split itself, or a hash of its question decides, so that a question that occurs
    twice never lies on two sides, and adding rows moves none of the others.
    """

    #: True: rows behind the last one that is needed are never read.
    stops: ClassVar[bool] = False

    shares: dict[str, float] = Field(
        {"train": 0.7, "dev": 0.1, "heldout": 0.2},
        description="shares of the splits, of rows that name none",
    )
    limits: dict[str, int] = Field({}, description="at most so many questions of a split")
    seed: int = Field(0, ge=0, description="another seed deals the questions out anew")

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
        """Where the questions are from, for messages."""

    @abstractmethod
    def candidates(self, split: str) -> Iterable[tuple[Question, str | None]]:
        """Every question that may be of the split, with the split it names."""

    def dealt_among(self, split: str) -> Mapping[str, float]:
        """The splits that its candidates are dealt out to, with their shares."""
        return self.shares

    def smoke(self) -> Self:
        few = {"pretrain": 256, "train": 16, "rl": 16, "dev": 16, "heldout": 16}
        limits = {split: min(most, self.limits.get(split, most)) for split, most in few.items()}
        return self.model_copy(update={"limits": limits})

    def questions(self, split: str) -> Iterator[Question]:
        if split not in SPLITS:
            raise NoSplit(f"{self.origin}: there is no split '{split}'; use {', '.join(SPLITS)}")
        left = self.limits.get(split)
        shares = self.dealt_among(split)
        seen: set[str] = set()
        for question, named in self.candidates(split):
            if self.stops and left == 0:
                return
            if question.id in seen:
                raise DataError(
                    f"{self.origin}: the id '{question.id}' occurs twice: "
                    "give every question its own"
                )
            seen.add(question.id)
            if (named or self._dealt(question, shares)) == split and left != 0:
                left = None if left is None else left - 1
                yield question

    def _dealt(self, question: Question, shares: Mapping[str, float]) -> str:
        digest = hashlib.sha256(f"{self.seed}/{words(question.prompt)}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64 * sum(shares.values())
        for split in SPLITS:
            place -= shares.get(split, 0.0)
            if place < 0:
                return split
        return next(split for split in reversed(SPLITS) if shares.get(split, 0.0) > 0)


def words(text: str) -> str:
    """What two wordings of one question share: case and space do not count."""
    return " ".join(text.casefold().split())
