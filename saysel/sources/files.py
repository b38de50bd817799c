"""Questions from files: reading rows, and dealing them out to splits."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator
from typing_extensions import Self

from saysel.errors import DataError
from saysel.interfaces import Source
from saysel.records import Question

SPLITS = ("pretrain", "train", "rl", "dev", "heldout")


class FileSource(Source):
    """A file of questions; each question belongs to one split for good.

    A row says its split itself (`split`), or a hash of its question decides, so that a question
    that occurs twice never lies on two sides, and adding rows moves none of the others.
    """

    path: Path = Field(description="the file")
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

    def smoke(self) -> Self:
        few = {"pretrain": 256, "train": 16, "rl": 16, "dev": 16, "heldout": 16}
        limits = {split: min(most, self.limits.get(split, most)) for split, most in few.items()}
        return self.model_copy(update={"limits": limits})

    def digest(self) -> str:
        return hashlib.sha256(self._bytes()).hexdigest()

    @abstractmethod
    def rows(self) -> Iterable[tuple[Question, str | None]]:
        """Every question of the file with the split it names.

        Raises:
            DataError: the file cannot be read, or a row is not a question.
        """

    def questions(self, split: str) -> Iterator[Question]:
        if split not in SPLITS:
            raise DataError(f"{self.path}: there is no split '{split}'; use {', '.join(SPLITS)}")
        left = self.limits.get(split)
        seen: set[str] = set()
        for question, named in self.rows():
            if question.id in seen:
                raise DataError(
                    f"{self.path}: the id '{question.id}' occurs twice: give every question its own"
                )
            seen.add(question.id)
            if (named or self._dealt(question)) == split and left != 0:
                left = None if left is None else left - 1
                yield question

    def _dealt(self, question: Question) -> str:
        words = " ".join(question.prompt.casefold().split())
        digest = hashlib.sha256(f"{self.seed}/{words}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64
        for split in SPLITS:
            place -= self.shares.get(split, 0.0)
            if place < 0:
                return split
        return next(split for split in reversed(SPLITS) if self.shares.get(split, 0.0) > 0)

    def _bytes(self) -> bytes:
        try:
            return self.path.expanduser().read_bytes()
        except IsADirectoryError:
            raise DataError(f"{self.path}: this is a directory: name a file") from None
        except FileNotFoundError:
            raise DataError(f"{self.path}: there is no such file: set source.path") from None
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read: {error.strerror}") from error

    def text(self) -> str:
        """The file's content.

        Raises:
            DataError: it cannot be read, is empty, or is not UTF-8.
        """
        content = self._bytes()
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            read = error.object  # without the byte order mark, if there is one
            line = read[: error.start].count(b"\n") + 1
            raise DataError(
                f"{self.path}, line {line}: not UTF-8 (byte {read[error.start]:#04x}): "
                "save the file as UTF-8"
            ) from None
        if not text.strip():
            raise DataError(f"{self.path}: the file is empty: it needs a question a line")
        return text


def question_from(row: Mapping[str, Any], where: str, number: int) -> tuple[Question, str | None]:
    """A question from a row with the columns of the jsonl and csv sources.

    `question` (or `prompt`), `answers` or `answer`, and optionally `id`, `wrong_answers`,
    `split` and `meta`.

    Raises:
        DataError: a column is missing or has the wrong type.
    """
    prompt = row.get("question", row.get("prompt"))
    if not isinstance(prompt, str) or not prompt.strip():
        raise DataError(f"{where}: it has no question: give it a text under 'question'")
    answers = _texts(row.get("answers", row.get("answer")), where, "answers")
    if not answers:
        raise DataError(f"{where}: the question has no answer: give it a text under 'answer'")
    split = row.get("split") or None
    if split is not None and split not in SPLITS:
        raise DataError(f"{where}: there is no split '{split}': use {', '.join(SPLITS)}")
    meta = row.get("meta") or {}
    if not isinstance(meta, dict):
        raise DataError(f"{where}: 'meta' must be a mapping")
    name = row.get("id")
    return (
        Question(
            id=str(number) if name in (None, "") else str(name),
            prompt=prompt,
            answers=answers,
            wrong_answers=_texts(row.get("wrong_answers"), where, "wrong_answers"),
            meta=meta,
        ),
        split,
    )


def _texts(value: object, where: str, column: str) -> tuple[str, ...]:
    """One text or a list of them; numbers and truth values are written out."""
    if value is None:
        return ()
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str | int | float | bool) for item in values):
        raise DataError(f"{where}: '{column}' must be a text or a list of texts")
    return tuple(str(item) for item in values if str(item).strip())
