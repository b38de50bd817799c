"""ParaRel as SaySelf evaluates on it (arXiv 2405.20974, section 3): short facts in plain words.

The file is a JSON list of `{question, answer, negative_answer}`, as in the paper's release; the
wrong options in `negative_answer` are separated by slashes. The release does not name the relation
of a fact. It is recognised from the wording, so that intervals can treat the questions of one
relation as belonging together (`evaluate.cluster: relation`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import Field

from saysel.errors import DataError
from saysel.records import Question
from saysel.sources.files import FileSource

#: The words that tell a relation; the first that fits counts.
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
    """The relation that a question asks for; `other` where its wording is none of the usual."""
    fitting = (name for name, words in RELATIONS.items() if re.search(words, question, re.I))
    return next(fitting, "other")


class ParaRelSource(FileSource):
    """ParaRel's facts from the file of the SaySelf release."""

    shares: dict[str, float] = Field(
        {"pretrain": 0.45, "train": 0.2, "rl": 0.15, "dev": 0.05, "heldout": 0.15},
        description="shares of the splits; a question lies in one of them for good",
    )

    def rows(self) -> Iterator[tuple[Question, str | None]]:
        """One question per distinct wording; one that occurs twice accepts both answers."""
        content = self.values()
        if not content:
            raise DataError(f"{self.path}: there are no questions in it")
        questions: dict[str, Question] = {}
        for number, place, row in content:
            if not isinstance(row, dict) or not all(
                isinstance(row.get(key), str) and row[key].strip() for key in ("question", "answer")
            ):
                raise DataError(
                    f"{self.path}, {place}: must have texts under 'question' and 'answer'"
                )
            words = " ".join(row["question"].casefold().split())
            wrong = str(row.get("negative_answer") or "").split("/")
            first = questions.get(words)
            questions[words] = Question(
                id=first.id if first else f"pararel-{number}",
                prompt=first.prompt if first else row["question"],
                answers=tuple(
                    dict.fromkeys([*(first.answers if first else ()), row["answer"].strip()])
                ),
                wrong_answers=tuple(
                    dict.fromkeys(
                        [
                            *(first.wrong_answers if first else ()),
                            *filter(None, map(str.strip, wrong)),
                        ]
                    )
                ),
                meta={"relation": relation(row["question"])},
            )
        for question in questions.values():
            yield question, None
