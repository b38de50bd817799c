"""The confidence that the model states (arXiv 2305.14975 for the styles)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from saysel.estimators.sampling import single_replies
from saysel.estimators.verbalized import reading
from saysel.estimators.verbalized.prompts import WORDS, Style, texts
from saysel.interfaces import EstimationContext, Estimator, Format, Prompt
from saysel.records import CUT, Generation, Message, ModelRef, Prediction, Question
from saysel.replies.declining import declines
from saysel.replies.visible import visible_text

PLACEHOLDER = re.compile(r"\{(guesses|words)\}")


class VerbalizedEstimator(Estimator):
    """One or two replies; the model's answer and the confidence it states.

    Styles:

    - `trained`: the recipe's format, one reply, with its rationale
    - `percent`: a number from 0% to 100%
    - `ten`: a number from 1 to 10, in tenths
    - `words`: a phrase such as "highly likely", with its value in `words`
    - `guesses`: several guesses, each with its probability; the most likely one counts

    With `turns: 2`, the model answers first and states its confidence in a second turn that shows
    the answer. Probabilities of guesses are used as stated, whatever their sum. If the answer can
    be parsed and the confidence cannot, the confidence is missing. An answer declines in all styles
    if it is the one that the recipe's format declines with (`decline`).
    """

    version: ClassVar[int] = 2

    style: Style = Field("trained", description="how the prompt asks for the confidence")
    turns: Literal[1, 2] = Field(1, description="2: first the answer, then the confidence")
    guesses: int = Field(4, ge=1, le=99, description="number of guesses, in the style `guesses`")
    words: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        WORDS, min_length=2, description="phrases and their values, in the style `words`"
    )
    prompts: tuple[str, ...] = Field(
        (),
        description="texts that follow the question, one per turn, instead of the style's own; "
        "{guesses} and {words} are replaced",
    )

    @model_validator(mode="after")
    def _texts_fit(self) -> Self:
        if self.style == "trained" and (self.turns != 1 or self.prompts):
            raise ValueError(
                "the style 'trained' uses the recipe's format in one turn: remove turns and prompts"
            )
        if self.prompts and len(self.prompts) != self.turns:
            raise ValueError(
                f"prompts must have one text per turn: {self.turns}, got {len(self.prompts)}"
            )
        return self

    def replies(self) -> int:
        return self.turns

    def chats(self, question: Question, format: Format) -> Sequence[Prompt]:
        if self.style == "trained":
            return [format.prompt(question)]
        first = self._opening(question)
        return [first] if self.turns == 1 else [first, self._continued(first, "")]

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        if self.style == "trained":
            yield from (prediction for prediction, _ in single_replies(model, questions, context))
            return
        sampler = context.sampler.model_copy(update={"temperature": context.temperature})
        chats = [self._opening(question) for question in questions]
        replies = [samples[0] for samples in sampler.sample(model, chats, 1, context.seed)]
        if self.turns == 1:
            for question, reply in zip(questions, replies, strict=True):
                yield self._parse(question, [reply], context.format)
            return
        # Without its thoughts, like chat templates do; templates may reject an empty turn.
        answers = [visible_text(reply.text).text.strip() or reply.text for reply in replies]
        continued = [self._continued(*turns) for turns in zip(chats, answers, strict=True)]
        second_replies = sampler.sample(model, continued, 1, context.seed + 1)
        for question, reply, (then,) in zip(questions, replies, second_replies, strict=True):
            yield self._parse(question, [reply, then], context.format)

    def _opening(self, question: Question) -> Prompt:
        return [Message(role="user", content=f"{question.prompt}\n\n{self._filled(0)}")]

    def _continued(self, chat: Prompt, answer: str) -> Prompt:
        """The second turn, after the answer in the first."""
        return [
            *chat,
            Message(role="assistant", content=answer),
            Message(role="user", content=self._filled(1)),
        ]

    def _filled(self, turn: int) -> str:
        """The text that follows the question in a turn, from 0."""
        text = (self.prompts or texts(self.style, self.turns))[turn]
        parts = {"guesses": str(self.guesses), "words": ", ".join(self.words)}
        return PLACEHOLDER.sub(lambda match: parts[match[1]], text)

    def _parse(
        self, question: Question, replies: Sequence[Generation], format: Format
    ) -> Prediction:
        """The prediction of one reply, or of an answer and a confidence in two."""
        first, *_, last = [visible_text(reply.text, reply.cut) for reply in (*replies, replies[-1])]
        answer: str | None
        confidence: float | None
        if self.style == "guesses":
            answer, confidence = _best(reading.guesses(first), reading.probabilities(last))
        else:
            answer = reading.answer(first, labelled=self.turns == 1)
            stated = reading.confidence(last, labelled=self.turns == 1)
            confidence = self._value(stated) if stated is not None else None
        declined = declines(answer, format.declining_answer())
        return Prediction(
            question_id=question.id,
            response="\n\n".join(reply.text for reply in replies),
            answer=None if declined else answer,
            rationale=None,
            confidence=None if declined else confidence,
            declined=declined,
            tokens=sum(reply.tokens for reply in replies),
            finish_reason=next((CUT for reply in replies if reply.cut), replies[0].finish_reason),
        )

    def _value(self, stated: str) -> float | None:
        if self.style == "words":
            return reading.in_words(stated, self.words)
        return reading.percent(stated) if self.style == "percent" else reading.out_of_ten(stated)


def _best(
    guesses: dict[int, str], probabilities: dict[int, float]
) -> tuple[str | None, float | None]:
    """The most likely guess; of equal ones, or without probabilities, the lowest number."""
    if not guesses:
        return None, None
    number = min(guesses, key=lambda number: (-probabilities.get(number, -1.0), number))
    return guesses[number], probabilities.get(number)
