"""Asks a model whether an answer is right, for estimators to build on (arXiv 2207.05221)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

from pydantic import Field

from saysel.estimators.likelihood import token_logprobs
from saysel.interfaces import EstimationContext, Estimator, Prompt
from saysel.records import Message, ModelRef, Question

PROMPT = """\
Question: {question}
{ideas}Proposed answer: {answer}
Is the proposed answer right or wrong? Reply with one word, Right or Wrong."""
PLACEHOLDER = re.compile(r"\{(question|ideas|answer)\}")
#: exp of more would overflow.
MAX_EXPONENT = 700.0
IDEAS = "Some ideas that came to mind: {ideas}\n"


@dataclass(frozen=True)
class Proposal:
    """An answer that a model is asked about.

    Attributes:
        question: what is asked.
        answer: the proposed answer.
        ideas: other answers that the prompt shows.
    """

    question: Question
    answer: str
    ideas: Sequence[str] = ()


class VerdictEstimator(Estimator):
    """Base class of estimators that ask the model whether answers are right."""

    prompt: str = Field(
        PROMPT,
        pattern=r"\{answer\}",
        description="prompt for the verdict, with {question}, {ideas} and {answer}",
    )
    yes: str = Field("Right", min_length=1, description="reply that calls the answer right")
    no: str = Field("Wrong", min_length=1, description="reply that calls the answer wrong")

    def needs_logprobs(self) -> bool:
        return True

    def needs_confidence(self) -> bool:
        return False

    def verdicts(
        self, model: ModelRef, proposals: Sequence[Proposal], context: EstimationContext
    ) -> list[float]:
        """p(yes) / (p(yes) + p(no)) of each proposed answer under the untempered model.

        Raises:
            UsageError: the sampler returns no log-probabilities.
        """
        prompts: list[Prompt] = [
            [Message(role="user", content=self._ask(proposal))] for proposal in proposals
        ]
        n = len(proposals)
        words = [self.yes] * n + [self.no] * n
        logprobs = [sum(tokens) for tokens in token_logprobs(context, model, prompts * 2, words)]
        return [
            1 / (1 + exp(min(MAX_EXPONENT, no - yes)))
            for yes, no in zip(logprobs[:n], logprobs[n:], strict=True)
        ]

    def _ask(self, proposal: Proposal) -> str:
        shown = IDEAS.format(ideas="; ".join(proposal.ideas)) if proposal.ideas else ""
        parts = {
            "question": proposal.question.prompt,
            "ideas": shown,
            "answer": proposal.answer,
        }
        # Not `str.format`: question and answer may contain braces.
        return PLACEHOLDER.sub(lambda match: parts[match[1]], self.prompt)
