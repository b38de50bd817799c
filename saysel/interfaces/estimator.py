"""An answer and a confidence for each question."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pydantic import Field
from typing_extensions import Self

from saysel.interfaces.clusterer import Clusterer
from saysel.interfaces.component import Component
from saysel.interfaces.format import Format
from saysel.interfaces.judge import Judge
from saysel.interfaces.sampler import Sampler
from saysel.records import (
    ModelRef,
    Prediction,
    Prompt,
    Question,
)


@dataclass(frozen=True)
class EstimationContext:
    """What an estimator can use.

    Attributes:
        sampler, format, clusterer, judge: the recipe's components.
        temperature: for decoding one answer.
        seed: for sampling.
        questions: returns the questions of a split; only of those in `splits`.
    """

    sampler: Sampler
    format: Format
    clusterer: Clusterer
    judge: Judge
    temperature: float
    seed: int
    questions: Callable[[str], Sequence[Question]]


class Estimator(Component):
    """Obtains an answer and a confidence for each question from a model.

    ```python
    import saysel
    from pydantic import Field
    from saysel.interfaces import Estimator
    from saysel.records import Prediction


    class ConstantEstimator(Estimator):
        '''Samples one answer and gives every answer the same confidence.'''

        confidence: float = Field(0.5, ge=0, le=1, description="the confidence")

        def estimate(self, model, questions, context):
            prompts = [context.format.prompt(question) for question in questions]
            samples = context.sampler.sample(model, prompts, 1, context.seed)
            for question, (reply,) in zip(questions, samples, strict=True):
                parsed = context.format.parse(reply.text, cut=reply.cut)
                confidence = None if parsed.declined else self.confidence
                yield Prediction(
                    question_id=question.id,
                    response=reply.text,
                    answer=parsed.answer,
                    rationale=parsed.rationale,
                    confidence=confidence,
                    declined=parsed.declined,
                )


    @saysel.hookimpl
    def saysel_estimators():
        return {"constant": "sayselfile:ConstantEstimator"}
    ```
    """

    kind = "estimator"

    models: tuple[str, ...] | None = Field(
        None, description="models to evaluate this way: base, sft, ppo …; null: all of them"
    )

    def replies(self) -> int:
        """How many responses it samples per question."""
        return 1

    def splits(self) -> tuple[str, ...]:
        """The splits that it is fitted on; never the split that it is evaluated on."""
        return ()

    def fitting_replies(self) -> int:
        """How many responses `fit` samples to each question of `splits`."""
        return self.replies()

    def needs_logprobs(self) -> bool:
        """Whether it needs a sampler that gives log-probabilities."""
        return False

    def needs_choices(self) -> bool:
        """Whether it needs a sampler that gives token choices, or else the model's weights."""
        return False

    def needs_weights(self) -> bool:
        """Whether it loads the model in this process, beyond asking it through the sampler."""
        return False

    def needs_confidence(self) -> bool:
        """Whether the replies in `context.format` have to state a confidence.

        If not, the worked examples of the recipe's `elicit` show answers only.
        """
        return True

    def chats(self, question: Question, format: Format) -> Sequence[Prompt]:
        """The chats that it samples responses to a question from, the same number from each.

        Exported logs show the first one; estimates of requests count all of them. A chat that
        continues an earlier reply has an empty turn in place of that reply.
        """
        return [format.prompt(question)]

    def fit(self, model: ModelRef, context: EstimationContext) -> Self:
        """A copy fitted on the questions of `splits`, if there are any.

        Called once before `estimate`, which may be called for several parts of the questions. It
        is deterministic.
        """
        return self

    @abstractmethod
    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        """One prediction per question, in order, not yet judged."""
