"""ParaRel as SaySelf evaluates on it (arXiv 2405.20974, section 3): one-sentence facts.

The file is a JSON list of `{question, answer, negative_answer}`, as in the paper's release; the
wrong options in `negative_answer` are separated by slashes. The release does not name the relation
of a fact. It is recognised from the wording, so that intervals can treat the questions of one
relation as a cluster (`evaluate.cluster: relation`), and so that relations can be held out
(`heldout_relations`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from pydantic import Field, field_validator

from saysel.errors import DataError
from saysel.files.accepted_answers import distinct
from saysel.files.table import Row
from saysel.files.tables import Kind
from saysel.interfaces import ContentHashed
from saysel.records import Question
from saysel.sources.files import FileSource
from saysel.sources.splits import words

#: Patterns by which a relation is recognised; the first that matches counts.
RELATIONS = {
    "field of work": r"\bfield\b|\bwork in\b|\bspecial(ty|ize)|\bdiscipline\b",
    "native language": r"\bnative language\b|\bmother tongue\b",
    "capital": r"\bcapital\b",
    "namesake": r"\bnamed\b|\bnamesake\b|\btakes? its name\b",
    "twin city": r"\b(twin|sister)",
    "headquarters": r"\bheadquarter|\bbased\b",
    "religion": r"\breligio|\bfaith\b|\bfollow",
    "occupation": r"\bworks? as\b|\bprofession\b|\boccupation\b|\bjob\b",
    "employer": r"\bworks?\b|\bemploy",
    "birthplace": r"\bborn\b|\bbirth",
    "place of death": r"\bdied?\b|\bdeath\b",
    "record label": r"\brepresent",
    "manufacturer": r"\bproduc|\bmanufactur",
    "developer": r"\bdevelop|\bcreated\b",
    "genre or role": r"\bplay|\bgenre\b",
}


def relation(question: str) -> str:
    """The relation that a question asks about; `other` if no pattern matches its wording."""
    matching = (
        name for name, pattern in RELATIONS.items() if re.search(pattern, question, re.IGNORECASE)
    )
    return next(matching, "other")


class ParaRelSource(FileSource):
    """ParaRel's facts from the file of the SaySelf release."""

    contains: ClassVar[Kind] = "json"

    shares: dict[str, float] = Field(
        {"pretrain": 0.45, "train": 0.2, "rl": 0.15, "dev": 0.05, "heldout": 0.15},
        description="shares of the splits; a question is always in the same one",
    )
    # Part of `digest`, so that recipes without it keep the fingerprints from before it existed.
    heldout_relations: ContentHashed[tuple[str, ...]] = Field(
        (),
        description="relations that no other split than `heldout` asks about; their questions "
        "that `shares` puts into another split are left out",
    )

    @field_validator("heldout_relations")
    @classmethod
    def _relations_exist(cls, relations: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted({*relations} - {*RELATIONS})
        if unknown:
            raise ValueError(
                f"no such relation: {', '.join(unknown)}; use {', '.join(sorted(RELATIONS))}"
            )
        return relations

    def digest(self) -> str:
        content = super().digest()
        held = ", ".join(sorted({*self.heldout_relations}))
        return f"{content} without {held}" if held else content

    def candidates(self, split: str) -> Iterator[tuple[Question, str | None]]:
        for question, named in self.rows():
            if split == "heldout" or question.meta["relation"] not in self.heldout_relations:
                yield question, named

    def rows(self) -> Iterator[tuple[Question, str | None]]:
        """One question per wording; one that occurs twice accepts both answers."""
        table = self.table()
        questions: dict[str, Question] = {}
        for index, row in enumerate(table.rows):
            question = _question(row, table.numbers[index], table.where(index))
            first = questions.setdefault(words(question.prompt), question)
            if first is not question:
                questions[words(question.prompt)] = replace(
                    question,
                    id=first.id,
                    prompt=first.prompt,
                    answers=distinct([*first.answers, *question.answers]),
                    wrong_answers=distinct([*first.wrong_answers, *question.wrong_answers]),
                )
        for question in questions.values():
            yield question, None


def _question(row: Row, number: int, where: str) -> Question:
    prompt, answer = row.get("question"), row.get("answer")
    if not (
        isinstance(prompt, str) and isinstance(answer, str) and prompt.strip() and answer.strip()
    ):
        raise DataError(f"{where}: must have texts under 'question' and 'answer'")
    return Question(
        id=f"pararel-{number}",
        prompt=prompt,
        answers=(answer.strip(),),
        wrong_answers=distinct(str(row.get("negative_answer") or "").split("/")),
        meta={"relation": relation(prompt)},
    )
