"""The model's own verdict on its answer (arXiv 2207.05221)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import exp
from typing import ClassVar

from pydantic import Field

from saysel.estimators.likelihood import token_logprobs
from saysel.estimators.sampling import single_replies
from saysel.interfaces import EstimationContext, Estimator, Prompt
from saysel.records import ModelRef, Prediction, Question

PROMPT = """\
Question: {question}
{ideas}Proposed answer: {answer}
Is the proposed answer right or wrong? Reply with one word, Right or Wrong."""
PLACEHOLDER = re.compile(r"\{(question|ideas|answer)\}")
#: exp of more would overflow.
MAX_EXPONENT = 700.0
IDEAS = "Some ideas that came to mind: {ideas}\n"


class PTrueEstimator(Estimator):
    """One reply; the confidence is the probability that the model calls its answer right.

    The model is shown the question and its parsed answer and asked whether it is right or wrong.
    The confidence is p(Right) / (p(Right) + p(Wrong)), where each is the probability of the whole
    word as a reply of the untempered model. With `ideas`, the prompt also shows that many other
    sampled answers, which helped in the paper.

    Deviations: the paper's few-shot examples are left out. The paper offers "(A) True" and "(B)
    False"; the words here cannot be confused with an answer such as "false". The two probabilities
    are divided by their sum; lm-polygraph uses p(True) alone. Without a readable answer there is
    no confidence.
    """

    version: ClassVar[int] = 2

    ideas: int = Field(0, ge=0, description="number of other sampled answers that the prompt shows")
    prompt: str = Field(
        PROMPT,
        pattern=r"\{answer\}",
        description="prompt for the verdict, with {question}, {ideas} and {answer}",
    )
    yes: str = Field("Right", min_length=1, description="reply that calls the answer right")
    no: str = Field("Wrong", min_length=1, description="reply that calls the answer wrong")

    def replies(self) -> int:
        return 1 + self.ideas

    def needs_logprobs(self) -> bool:
        return True

    def needs_confidence(self) -> bool:
        return False

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        predictions = [prediction for prediction, _ in single_replies(model, questions, context)]
        prompts = [context.format.prompt(question) for question in questions]
        ideas = self._ideas(model, prompts, context)
        answered = [
            row for row, prediction in enumerate(predictions) if prediction.answer is not None
        ]
        verdict_prompts: list[Prompt] = [
            [
                {
                    "role": "user",
                    "content": self._ask(questions[row], predictions[row], ideas[row][0]),
                }
            ]
            for row in answered
        ]
        n = len(answered)
        verdicts = [self.yes] * n + [self.no] * n
        logprobs = [
            sum(tokens) for tokens in token_logprobs(context, model, verdict_prompts * 2, verdicts)
        ]
        confidences = {
            row: 1 / (1 + exp(min(MAX_EXPONENT, no - yes)))
            for row, yes, no in zip(answered, logprobs[:n], logprobs[n:], strict=True)
        }
        for row, prediction in enumerate(predictions):
            yield replace(
                prediction,
                confidence=confidences.get(row),
                tokens=prediction.tokens + ideas[row][1],
            )

    def _ideas(
        self, model: ModelRef, prompts: Sequence[Prompt], context: EstimationContext
    ) -> list[tuple[list[str], int]]:
        """Distinct answers sampled for each prompt, and the number of tokens generated for them."""
        if not self.ideas:
            return [([], 0)] * len(prompts)
        ideas = []
        for replies in context.sampler.sample(model, prompts, self.ideas, context.seed + 1):
            answers = [context.format.parse(reply.text, cut=reply.cut).answer for reply in replies]
            distinct = dict.fromkeys(answer for answer in answers if answer is not None)
            ideas.append((list(distinct), sum(reply.tokens for reply in replies)))
        return ideas

    def _ask(self, question: Question, prediction: Prediction, ideas: Sequence[str]) -> str:
        shown = IDEAS.format(ideas="; ".join(ideas)) if ideas else ""
        parts = {"question": question.prompt, "ideas": shown, "answer": prediction.answer or ""}
        # Not `str.format`: question and answer may contain braces.
        return PLACEHOLDER.sub(lambda match: parts[match[1]], self.prompt)
