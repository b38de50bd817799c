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
from saysel.prompting.llm import AsksModel
from saysel.prompting.quoting import quote
from saysel.records import Question

#: A verdict that starts a line or sentence and ends its line, or is a field of a JSON object. One
#: that the reply only quotes from the answer (`it claims "Verdict: right", but …`) is none.
VERDICT = re.compile(
    r"""(?:(?:^|[.!?]\s)[\s*_\#>-]{0,10}verdict[\s*_:=-]{1,10}["']?
        |[{,]\s{0,10}"verdict"\s{0,10}:\s{0,10}")
    (right|wrong|correct|incorrect)[ \t*_.!"'}]{0,10}$""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)


class LlmJudge(AsksModel, Judge):
    """A language model says whether the parsed answer is an accepted one.

    It sees the question, the accepted answers and the parsed answer, never the reply. The answer
    is quoted, so that nothing in it can pass for the rest of the prompt. The same answer to the
    same question is asked about once in a batch. No verdict is `None`, never 0.
    """

    version = 2

    wording: ClassVar[str] = "judges/verdict.txt"
    places: ClassVar[tuple[str, ...]] = ("{question}", "{answers}", "{answer}")

    def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
        asked = {(question.id, answer): question for question, answer in items if answer.strip()}
        prompts = [
            self.filled(
                {
                    "{question}": question.prompt,
                    "{answers}": "\n".join(f"- {accepted}" for accepted in question.answers),
                    "{answer}": quote(answer),
                }
            )
            for (_, answer), question in asked.items()
        ]
        verdicts = dict(zip(asked, self.replies(prompts, read), strict=True))
        # An answer that says nothing is wrong, whoever is asked.
        return [verdicts.get((question.id, answer), 0.0) for question, answer in items]


def read(reply: str) -> float | None:
    """The last verdict that a reply gives; `None` if it gives none."""
    found = VERDICT.findall(reply)
    return float(found[-1].casefold() in ("right", "correct")) if found else None
