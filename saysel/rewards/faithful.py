"""A reward for rationales that say what the model does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from saysel.faithfulness.alternatives import answers_by_first_word, nameable, named_alternatives
from saysel.faithfulness.mentions import Tokens, words
from saysel.interfaces import BatchReward, JudgedReply, SegmentRewards
from saysel.records import Meaning, Reflection


class FaithfulReward(BatchReward):
    """R = 1 - m - price * f for a rationale: pays for naming what fresh samples say, and only that.

    m is the share of `samples` fresh replies of the same model that give another answer which the
    rationale does not name, and f the number of alternatives that it names and no fresh reply
    gives. Over many replies, a low m is a high mention recall and a low f a high mention precision;
    what counts as named is the same as in the measures of `saysel.faithfulness`. Naming an answer
    of share s pays if s > price * (1 - s)^samples. Repeating a name does not pay, and neither does
    leaving the rationale out.

    It rewards the rationale alone, so use it as the option `rationale` of `split`. Answers are
    compared as text, without the clusterer of the recipe.
    """

    rewards_confidence: ClassVar[bool] = False

    samples: int = Field(10, ge=1, description="fresh replies to each question of a batch")
    price: float = Field(
        0.2, ge=0, description="penalty of each named alternative that no fresh reply gives"
    )

    def fresh_samples(self) -> int:
        return self.samples

    def rewards(self, replies: Sequence[JudgedReply]) -> list[SegmentRewards]:
        questions = {reply.question.id: reply.question for reply in replies}
        pool = answers_by_first_word(questions.values())
        return [
            SegmentRewards(
                rationale=self._of(reply, pool),
                confidence=-1.0 if reply.confidence is None else 0.0,
            )
            for reply in replies
        ]

    def _of(self, reply: JudgedReply, pool: dict[str, set[Tokens]]) -> float:
        """The reward of a rationale.

        Args:
            pool: the answers that it could name, as `answers_by_first_word` gives them.
        """
        if reply.answer is None or not reply.samples:
            return 0.0
        reflection = as_reflection(reply)
        named = named_alternatives(reflection, reply.question, nameable(reflection, pool))
        missed = named.competing_mass - named.named_mass
        return 1.0 - missed - self.price * (named.named - named.named_competing)


def as_reflection(reply: JudgedReply) -> Reflection:
    """A reply and its fresh samples in the form in which rationales are measured."""
    own = words(reply.answer or "")
    counts = Counter(words(answer) for answer in reply.samples if answer is not None)
    wordings: dict[Tokens, list[str]] = {own: [reply.answer or ""]}
    for answer in reply.samples:
        if answer is not None:
            wordings.setdefault(words(answer), []).append(answer)
    return Reflection(
        question_id=reply.question.id,
        response=reply.text,
        answer=reply.answer,
        rationale=reply.rationale,
        correct=reply.correct,
        tokens=reply.tokens,
        samples=len(reply.samples),
        meanings=tuple(
            Meaning(
                tuple(dict.fromkeys(texts)), counts[meaning] / len(reply.samples), meaning == own
            )
            for meaning, texts in wordings.items()
        ),
    )
