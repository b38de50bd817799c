"""How the base model is asked under `elicit`: worked examples, and replies without a marker.

A model that was not trained on the format does not write it because an instruction says so, but
mostly does after a few examples. The examples are chat turns: a question and an accepted answer of
the split `train`, chosen by the recipe's seed.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, PrivateAttr

from saysel.interfaces import Format, Parsed
from saysel.recipes.elicit import Elicit
from saysel.recipes.questions import worked_examples
from saysel.recipes.recipe import Recipe
from saysel.records import Message, Question
from saysel.replies.declining import declines
from saysel.replies.parts import read_parts
from saysel.replies.unmarked import first_sentence
from saysel.replies.visible import visible_text
from saysel.seeds import generator

#: True with any confidence, because it is not known yet how sure the model is of these answers.
REFLECTION = "This is what I remember, and I may be wrong."
#: Stands for an answer; a private-use character, which replies do not contain.
PROBE = "\ue000"


def asking_format(recipe: Recipe, trained: bool, answers_only: bool = False) -> Format:
    """The format in which a recipe asks one of its models.

    Args:
        trained: whether a training phase has made the model.
        answers_only: whether its replies need not state a confidence.
    """
    if recipe.elicit is None or trained:
        return recipe.format
    return ElicitedFormat.of(recipe, answers_only)


class ElicitedFormat(Format):
    """A recipe's format with the prompt of its `elicit`, which also reads unmarked replies."""

    format: Format = Field(description="the recipe's format")
    elicit: Elicit = Field(description="the recipe's options")
    answers_only: bool = Field(
        description="whether the examples show no reflection and no confidence"
    )

    _recipe: Recipe = PrivateAttr()
    _examples: list[Question] | None = PrivateAttr(None)

    @classmethod
    def of(cls, recipe: Recipe, answers_only: bool) -> ElicitedFormat:
        """The format of a recipe that has `elicit`; its examples are read when they are needed."""
        assert recipe.elicit is not None
        made = cls(format=recipe.format, elicit=recipe.elicit, answers_only=answers_only)
        made._recipe = recipe
        return made

    def with_examples(self, examples: list[Question]) -> ElicitedFormat:
        """The same with other worked examples, for estimates that must not read the source."""
        made = self.model_copy()
        made._examples = examples
        return made

    @property
    def confidence_marker(self) -> str:  # type: ignore[override]
        return self.format.confidence_marker

    @property
    def confidences(self) -> Mapping[str, float]:  # type: ignore[override]
        return self.format.confidences

    def prompt(self, question: Question) -> list[Message]:
        if self._examples is None:
            self._examples = worked_examples(self._recipe)  # once, not for every question
        examples = self._examples
        first, *others = [*examples, question]
        turns = self._first_turns(first)
        for reply, following in zip(self._replies(examples), others, strict=True):
            turns.append({"role": "assistant", "content": reply})
            turns.append({"role": "user", "content": following.prompt})
        return turns

    def _first_turns(self, question: Question) -> list[Message]:
        """The first question, with the instruction."""
        instruction = self.elicit.instruction
        if instruction is None and self.answers_only and self.elicit.shots:
            instruction = ""  # the format's own asks for more than the examples show
        if instruction is None:
            return self.format.prompt(question)
        parts = [question.prompt, instruction] if instruction else [question.prompt]
        return [{"role": "user", "content": "\n\n".join(parts)}]

    def _replies(self, examples: list[Question]) -> list[str]:
        """The replies of the worked examples, with confidences spread over the whole scale."""
        answers = [question.answers[0] for question in examples]
        if self.answers_only:
            return [self.format.render(answer, None, None) for answer in answers]
        confidences = [(index + 0.5) / len(answers) for index in range(len(answers))]
        generator("elicit", "confidences", self._recipe.seed).shuffle(confidences)
        return [
            self.format.render(answer, REFLECTION, confidence)
            for answer, confidence in zip(answers, confidences, strict=True)
        ]

    def render(
        self, answer: str, rationale: str | None, confidence: float | None, reasoning: str = ""
    ) -> str:
        return self.format.render(answer, rationale, confidence, reasoning)

    def parse(self, text: str, cut: bool = False) -> Parsed:
        parsed = self.format.parse(text, cut=cut)
        if parsed.answer is not None or parsed.declined:
            return parsed
        if self.elicit.unmarked is None or self._marks_answer(text):
            return parsed
        answer = first_sentence(visible_text(text, cut))
        if declines(answer, self.declining_answer()):
            return Parsed(None, parsed.rationale, None, declined=True)
        return parsed._replace(answer=answer)

    def declining_answer(self) -> str | None:
        return self.format.declining_answer()

    def _marks_answer(self, text: str) -> bool:
        """Whether a reply has the marker of an answer, as the format or any model writes it."""
        visible = visible_text(text)
        marker = self.format.render(PROBE, None, None).partition(PROBE)[0].strip()
        written = bool(marker) and marker.casefold() in visible.text.casefold()
        return written or read_parts(visible).start is not None

    def reasoning(self, text: str) -> str:
        return self.format.reasoning(text)
