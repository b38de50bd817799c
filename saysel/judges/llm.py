"""Correctness according to a language model.

SaySelf (arXiv 2405.20974, section 3) has GPT grade the whole reply from 1 to 10. Deviations: the
judge sees only the parsed answer, because a rationale that mentions the correct answer among others
is not an answer; and it says right or wrong, because the pipeline needs nothing finer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from saysel.interfaces import Judge, Prompt
from saysel.prompting.llm import AsksLanguageModel
from saysel.prompting.quoting import quote
from saysel.records import Question

#: A verdict that starts a line or sentence and ends its line, or is a field of a JSON object. A
#: verdict that the reply quotes from the answer (`it claims "Verdict: right", but …`) is none.
VERDICT = re.compile(
    r"""(?:(?:^|[.!?]\s)[\s*_\#>-]{0,10}verdict[\s*_:=-]{1,10}["']?
        |[{,]\s{0,10}"verdict"\s{0,10}:\s{0,10}")
    (right|wrong|correct|incorrect)[ \t*_.!"'}]{0,10}$""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)


class LlmJudge(AsksLanguageModel, Judge):
    """A language model says whether the parsed answer is an accepted one.

    It sees the question, the accepted answers and the parsed answer, but not the reply. The answer
    is quoted, so that nothing in it can pass for the rest of the prompt. Within a batch, the same
    answer to the same question is judged once. A missing verdict is `None`, never 0.
    """

    version = 2

    default_prompt: ClassVar[str] = "judges/verdict.txt"
    placeholders: ClassVar[tuple[str, ...]] = ("{question}", "{answers}", "{answer}")

    def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
        # An empty answer is wrong, and no model is asked about it.
        distinct = {(question.id, answer): question for question, answer in items if answer.strip()}
        prompts = [self._prompt(question, answer) for (_, answer), question in distinct.items()]
        verdicts = dict(zip(distinct, self.replies(prompts, read), strict=True))
        return [verdicts.get((question.id, answer), 0.0) for question, answer in items]

    def _prompt(self, question: Question, answer: str) -> Prompt:
        return self.filled(
            {
                "{question}": question.prompt,
                "{answers}": "\n".join(f"- {accepted}" for accepted in question.answers),
                "{answer}": quote(answer),
            }
        )


def read(reply: str) -> float | None:
    """The last verdict in a reply; `None` if there is none."""
    verdicts = VERDICT.findall(reply)
    return float(verdicts[-1].casefold() in ("right", "correct")) if verdicts else None
