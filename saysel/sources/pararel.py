"""ParaRel as SaySelf evaluates on it (arXiv 2405.20974, section 3): short facts in plain words.

The file is a JSON list of `{question, answer, negative_answer}`, as in the paper's release; the
wrong options in `negative_answer` are separated by slashes.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from saysel.errors import DataError
from saysel.records import Question
from saysel.sources.files import FileSource


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
            )
        for question in questions.values():
            yield question, None
