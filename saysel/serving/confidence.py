"""What the server says about a reply: its parts, how sure the model is, and whether to answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from saysel.api.abstaining import AnswerOrAbstain
from saysel.errors import UsageError
from saysel.serving.model import ServedReply


class Confidence:
    """Describes replies in the field `saysel` of a completion."""

    def __init__(
        self,
        curve: Callable[[Any], Any] | None = None,
        rule_at: Callable[[float], AnswerOrAbstain] | None = None,
    ) -> None:
        """
        Args:
            curve: from expected to recalibrated confidences.
            rule_at: when to answer, at a risk; `None` if the server knows no judged answers.
        """
        self._curve = curve
        self._rule_at = None if rule_at is None else lru_cache(maxsize=256)(rule_at)

    def rule(self, risk: float | None) -> AnswerOrAbstain | None:
        """The rule at a risk that a request names; `None` if it names none.

        Raises:
            UsageError: the server knows no judged answers.
        """
        if risk is None:
            return None
        if self._rule_at is None:
            raise UsageError("risk: only the model of a run directory has answers to choose by")
        return self._rule_at(risk)

    def describe(self, reply: ServedReply, rule: AnswerOrAbstain | None = None) -> dict[str, Any]:
        """The field of one reply, see docs/how-to/serve.md."""
        parsed, expected = reply.parsed, reply.expected
        content: dict[str, Any] = {
            "answer": parsed.answer,
            "rationale": parsed.rationale,
            "declined": parsed.declined,
            "confidence": {
                "stated": parsed.confidence,
                "expected": _rounded(expected),
                "recalibrated": _rounded(self._recalibrated(expected)),
                "distribution": [
                    {"confidence": value, "probability": _rounded(probability)}
                    for value, probability in sorted(reply.distribution.items())
                ],
            },
        }
        if rule is not None:
            withheld = rule.withholds(parsed.confidence)
            if parsed.answer is None:
                withheld = "it has no answer"
            content["decision"] = {
                "answer": withheld is None,
                "withheld": withheld,
                "risk": rule.risk,
                "threshold": None if rule.threshold is None else rule.threshold.confidence,
            }
        return content

    def _recalibrated(self, confidence: float | None) -> float | None:
        if self._curve is None or confidence is None:
            return None
        import numpy as np

        return float(self._curve(np.array([confidence]))[0])


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
