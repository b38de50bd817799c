"""The model's own verdict on its answer (arXiv 2207.05221)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import exp
from typing import ClassVar

from pydantic import Field

from saysel.estimators.likelihood import token_logprobs
from saysel.estimators.sampling import single
from saysel.interfaces import EstimationContext, Estimator, Prompt
from saysel.records import ModelRef, Prediction, Question

PROMPT = """\
Question: {question}
{ideas}Proposed answer: {answer}
Is the proposed answer right or wrong? Reply with one word, Right or Wrong."""
PLACE = re.compile(r"\{(question|ideas|answer)\}")
IDEAS = "Some ideas that came to mind: {ideas}\n"


class PTrueEstimator(Estimator):
    """One reply; the probability that the model calls its answer right as confidence.

    The model is shown the question and its parsed answer and asked whether it is right or wrong:
    p(Right) / (p(Right) + p(Wrong)), each the probability of the whole word as a reply of the
    untempered model. With `ideas`, it also sees so many answers that it sampled besides, which
    the paper found to help.

    Deviations: the paper's few-shot examples are left out. It offers "(A) True" and "(B) False";
    the words here cannot be confused with an answer such as "false". The two probabilities are
    divided by their sum; lm-polygraph takes p(True) as it is. No readable answer, no confidence.
    """

    version: ClassVar[int] = 2

    ideas: int = Field(0, ge=0, description="sampled answers shown beside the proposed one")
    prompt: str = Field(
        PROMPT,
        pattern=r"\{answer\}",
        description="the second question, with {question}, {ideas} and {answer}",
    )
    yes: str = Field("Right", min_length=1, description="the reply that affirms")
    no: str = Field("Wrong", min_length=1, description="the reply that denies")

    def replies(self) -> int:
        return 1 + self.ideas

    def needs_logprobs(self) -> bool:
        return True

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        made = [prediction for prediction, _ in single(model, questions, context)]
        prompts = [context.format.prompt(question) for question in questions]
        ideas = self._ideas(model, prompts, context)
        answered = [row for row, prediction in enumerate(made) if prediction.answer is not None]
        asked: list[Prompt] = [
            [{"role": "user", "content": self._ask(questions[row], made[row], ideas[row][0])}]
            for row in answered
        ]
        words = [self.yes] * len(asked) + [self.no] * len(asked)
        scores = [sum(one) for one in token_logprobs(context, model, asked * 2, words)]
        verdicts = {
            row: 1 / (1 + exp(min(700.0, no - yes)))
            for row, yes, no in zip(
                answered, scores[: len(asked)], scores[len(asked) :], strict=True
            )
        }
        for row, prediction in enumerate(made):
            yield replace(
                prediction,
                confidence=verdicts.get(row),
                tokens=prediction.tokens + ideas[row][1],
            )

    def _ideas(
        self, model: ModelRef, prompts: Sequence[Prompt], context: EstimationContext
    ) -> list[tuple[list[str], int]]:
        """Distinct answers sampled for each prompt, and the tokens that they took."""
        if not self.ideas:
            return [([], 0)] * len(prompts)
        drawn = context.sampler.sample(model, prompts, self.ideas, context.seed + 1)
        found = []
        for replies in drawn:
            answers = [context.format.parse(reply.text, cut=reply.cut).answer for reply in replies]
            known = dict.fromkeys(answer for answer in answers if answer is not None)
            found.append((list(known), sum(reply.tokens for reply in replies)))
        return found

    def _ask(self, question: Question, prediction: Prediction, ideas: Sequence[str]) -> str:
        told = IDEAS.format(ideas="; ".join(ideas)) if ideas else ""
        parts = {"question": question.prompt, "ideas": told, "answer": prediction.answer or ""}
        # Not `format`: question and answer may hold braces.
        return PLACE.sub(lambda place: parts[place[1]], self.prompt)
