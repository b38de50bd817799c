"""Correctness as a language model sees it.

SaySelf (arXiv 2405.20974, section 3) has GPT give the whole reply 1 to 10. Deviations: the judge
sees the parsed answer alone, because a reflection that names the right answer among others is no
answer, and says right or wrong, because the rest of the pipeline needs nothing finer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from saysel.interfaces import Judge
from saysel.llm import AsksModel
from saysel.records import Question

VERDICT = re.compile(r"\bverdict\W+(right|wrong|correct|incorrect)\b", re.IGNORECASE)


class LlmJudge(AsksModel, Judge):
    """A language model says whether the parsed answer is an accepted one.

    It sees the question, the accepted answers and the parsed answer, never the reply. The same
    answer to the same question is asked about once in a batch. No verdict is `None`, never 0.
    """

    wording: ClassVar[str] = "judges/verdict.txt"
    places: ClassVar[tuple[str, ...]] = ("{question}", "{answers}", "{answer}")

    def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
        asked = {(question.id, answer): question for question, answer in items if answer.strip()}
        prompts = [
            self.filled(
                {
                    "{question}": question.prompt,
                    "{answers}": "\n".join(f"- {accepted}" for accepted in question.answers),
                    "{answer}": answer,
                }
            )
            for (_, answer), question in asked.items()
        ]
        verdicts = dict(zip(asked, self.replies(prompts, read), strict=True))
        # An answer that says nothing is wrong, whoever is asked.
        return [verdicts.get((question.id, answer), 0.0) for question, answer in items]


def read(reply: str) -> float | None:
    """The last verdict in a reply; `None` if there is none."""
    found = VERDICT.findall(reply)
    return float(found[-1].casefold() in ("right", "correct")) if found else None
