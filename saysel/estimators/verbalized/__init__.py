"""The confidence that the model states (arXiv 2305.14975 for the styles)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from saysel.estimators.sampling import single
from saysel.estimators.verbalized import reading
from saysel.estimators.verbalized.prompts import WORDS, Style, texts
from saysel.interfaces import EstimationContext, Estimator
from saysel.records import CUT, Generation, Message, ModelRef, Prediction, Question
from saysel.replies.visible import visible_text

PLACE = re.compile(r"\{(guesses|words)\}")


class VerbalizedEstimator(Estimator):
    """One reply or two; the model's own answer and stated confidence.

    Styles:

    - `trained`: the recipe's format, one reply, with its rationale
    - `percent`: a number from 0% to 100%
    - `ten`: a number from 1 to 10, read as tenths
    - `words`: a phrase such as "highly likely", with the value that `words` gives it
    - `guesses`: several guesses, each with its probability; the one with the highest counts

    With `turns: 2` the answer comes first, and the confidence is asked for in a second turn that
    sees it. Probabilities of guesses are taken as stated, whatever they add up to. Where the
    answer can be read and the confidence cannot, it is missing.
    """

    version: ClassVar[int] = 2

    style: Style = Field("trained", description="how confidence is asked for")
    turns: Literal[1, 2] = Field(1, description="2: the answer first, then the confidence")
    guesses: int = Field(4, ge=1, le=99, description="how many, in the style of that name")
    words: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        WORDS, min_length=2, description="phrases and their values, in the style of that name"
    )
    prompts: tuple[str, ...] = Field(
        (),
        description="texts after the question in place of the style's own, one a turn; {guesses} "
        "and {words} are filled in",
    )

    @model_validator(mode="after")
    def _texts_fit(self) -> Self:
        if self.style == "trained" and (self.turns != 1 or self.prompts):
            raise ValueError(
                "the style 'trained' asks once, in the recipe's format: leave out turns and prompts"
            )
        if self.prompts and len(self.prompts) != self.turns:
            raise ValueError(
                f"prompts needs one text a turn: {self.turns}, got {len(self.prompts)}"
            )
        return self

    def replies(self) -> int:
        return self.turns

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        if self.style == "trained":
            yield from (prediction for prediction, _ in single(model, questions, context))
            return
        sampler = context.sampler.model_copy(update={"temperature": context.temperature})
        first, *second = [self._filled(text) for text in self.prompts or self._texts()]
        chats: list[list[Message]] = [
            [{"role": "user", "content": f"{question.prompt}\n\n{first}"}] for question in questions
        ]
        replies = [drawn[0] for drawn in sampler.sample(model, chats, 1, context.seed)]
        if not second:
            for question, reply in zip(questions, replies, strict=True):
                yield self._read(question, [reply])
            return
        for chat, reply in zip(chats, replies, strict=True):
            # As chat templates do, without its thoughts; an empty turn would be refused.
            said = visible_text(reply.text).text.strip() or reply.text
            chat.append({"role": "assistant", "content": said})
            chat.append({"role": "user", "content": second[0]})
        later = sampler.sample(model, chats, 1, context.seed + 1)
        for question, reply, (then,) in zip(questions, replies, later, strict=True):
            yield self._read(question, [reply, then])

    def _texts(self) -> tuple[str, ...]:
        return texts(self.style, self.turns)

    def _filled(self, text: str) -> str:
        parts = {"guesses": str(self.guesses), "words": ", ".join(self.words)}
        return PLACE.sub(lambda place: parts[place[1]], text)

    def _read(self, question: Question, replies: Sequence[Generation]) -> Prediction:
        """Answer and confidence, from one reply or from one each."""
        first, *_, last = [visible_text(reply.text, reply.cut) for reply in (*replies, replies[-1])]
        answer: str | None
        confidence: float | None
        if self.style == "guesses":
            answer, confidence = _best(reading.guesses(first), reading.probabilities(last))
        else:
            answer = reading.answer(first, labelled=self.turns == 1)
            stated = reading.confidence(last, labelled=self.turns == 1)
            confidence = self._value(stated) if stated is not None else None
        return Prediction(
            question_id=question.id,
            response="\n\n".join(reply.text for reply in replies),
            answer=answer,
            rationale=None,
            confidence=confidence,
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
    """The likeliest guess; the one with the lowest number if several are, or none is rated."""
    if not guesses:
        return None, None
    number = min(guesses, key=lambda number: (-probabilities.get(number, -1.0), number))
    return guesses[number], probabilities.get(number)
