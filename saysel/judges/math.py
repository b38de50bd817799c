"""Correctness of mathematical answers, by math-verify (github.com/huggingface/Math-Verify)."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar

from saysel.answers import matches
from saysel.errors import require
from saysel.interfaces import Judge
from saysel.records import Question

#: Time for parsing an answer, and for one comparison. Simplifying an expression may take forever.
SECONDS = 5
DELIMITERS = ("$", r"\(", r"\[", r"\boxed")
#: Functions and constants that answers name without a backslash.
NAMES = re.compile(r"(?<![A-Za-z\\])(arcsin|arccos|arctan|sin|cos|tan|log|ln|exp|pi)(?![A-Za-z])")
#: Longer than a product of two variables. LaTeX commands are no words.
WORD = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{3,}")


class MathJudge(Judge):
    r"""Right if `match` says so, or if the answer is mathematically equal to an accepted one.

    math-verify parses and compares LaTeX and plain mathematics, with or without `$`, `\(`, `\[` or
    `\boxed`, up to simplification: `(x+1)^2` is `x^2+2x+1`, `\{1,2\}` is `{2, 1}`, `x > 3` is
    `3 < x`, and equal matrices are equal. Numbers are equal up to the sixth decimal. Several
    expressions are a set. Answers with words, such as `12 dollars`, are left to `match`.

    An answer that takes more than five seconds to parse or to compare is not judged. The limit is
    a signal, so there is none outside the main thread of a program.
    """

    version: ClassVar[int] = 3

    def check_installed(self) -> None:
        require("the judge 'math'", "math", "math_verify")

    def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
        self.check_installed()
        return [_judge(question, answer) for question, answer in items]


def _judge(question: Question, answer: str) -> float | None:
    if matches(question.answers, answer, question.wrong_answers):
        return 1.0
    texts = [_as_latex(accepted) for accepted in question.answers if not WORD.search(accepted)]
    same = [] if WORD.search(answer) else [_same(text, _as_latex(answer)) for text in texts]
    if any(same):
        return 1.0
    return None if None in same else 0.0


def _as_latex(text: str) -> str:
    """An answer with delimiters around its mathematics, as math-verify needs them."""
    if any(delimiter in text for delimiter in DELIMITERS):
        return text
    text = NAMES.sub(r"\\\1", text.replace("**", "^")).replace(r"\%", "%").replace("%", r"\%")
    return f"${text}$"


def _same(accepted: str, answer: str) -> bool | None:
    """Whether math-verify finds an answer equal to an accepted one; `None` if time ran out."""
    from math_verify import verify
    from math_verify.errors import TimeoutException

    try:
        left, right = _parsed(accepted), _parsed(answer)
        return bool(left and right) and verify(
            left, right, timeout_seconds=_limit(), raise_on_error=True
        )
    except TimeoutException:
        return None
    # sympy fails in many ways on unusual expressions; nothing else runs in here.
    except Exception:
        return False


@lru_cache(maxsize=4096)
def _parsed(text: str) -> list[Any]:
    """The expression in a text; empty if there is none."""
    from math_verify import LatexExtractionConfig, parse

    found: list[Any] = parse(
        text,
        # Never as plain Python: sympy evaluates that.
        extraction_config=[LatexExtractionConfig()],
        fallback_mode="no_fallback",
        parsing_timeout=_limit(),
        raise_on_error=True,
    )
    return found


def _limit() -> int | None:
    """Seconds for one step; signals arrive in the main thread only."""
    main = threading.current_thread() is threading.main_thread()
    return SECONDS if main else None
