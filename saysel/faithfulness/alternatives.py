"""The alternatives that a rationale names, compared with the model's fresh samples."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import log

from saysel.faithfulness.made_up import made_up
from saysel.faithfulness.mentions import Tokens, named, words
from saysel.records import Question, Reflection


@dataclass(frozen=True)
class NamedAlternatives:
    """What the rationale of one reply names in addition to the reply's answer.

    Attributes:
        competing_mass: share of the samples that give a competing answer, in [0, 1].
        named_mass: share of the samples that give a competing answer which is named.
        named: number of different alternatives named, made-up ones included.
        named_competing: number of those that compete.
    """

    competing_mass: float
    named_mass: float
    named: int
    named_competing: int


def has_answer(reflection: Reflection) -> bool:
    """Whether the explained reply has a readable answer."""
    return any(meaning.own for meaning in reflection.meanings)


def explainable(reflection: Reflection) -> bool:
    """Whether there is a rationale, and a competing answer that it could explain."""
    competing = any(meaning.share > 0 and not meaning.own for meaning in reflection.meanings)
    return reflection.rationale is not None and has_answer(reflection) and competing


def named_alternatives(
    reflection: Reflection, question: Question, others: Collection[Tokens] = ()
) -> NamedAlternatives:
    """The alternatives that a rationale names.

    Args:
        reflection: a reply with a readable answer.
        question: its accepted and known wrong answers can be named too. All accepted answers are
            the same answer.
        others: further answers that can be named, as `mentions.words` gives them.
    """
    meaning_of = _meanings_by_name(reflection, question)
    known = {*meaning_of, *map(words, question.wrong_answers), *others}
    rationale = reflection.rationale or ""
    own = {index for index, meaning in enumerate(reflection.meanings) if meaning.own}
    alternatives = {meaning_of.get(name, name) for name in named(rationale, known)} - own
    made_up_names = made_up(rationale, known, question.prompt)
    shares = [
        (index, meaning.share)
        for index, meaning in enumerate(reflection.meanings)
        if not meaning.own
    ]
    named_shares = [share for index, share in shares if share > 0 and index in alternatives]
    return NamedAlternatives(
        competing_mass=sum(share for _, share in shares),
        named_mass=sum(named_shares),
        named=len(alternatives) + len(made_up_names),
        named_competing=len(named_shares),
    )


def _meanings_by_name(reflection: Reflection, question: Question) -> dict[Tokens, int]:
    """The index of the meaning that each wording, or accepted answer, belongs to."""
    meaning_of: dict[Tokens, int] = {}
    for index, meaning in enumerate(reflection.meanings):
        for wording in meaning.wordings:
            meaning_of.setdefault(words(wording), index)
    accepted = [words(answer) for answer in question.answers]
    given = [meaning_of[answer] for answer in accepted if answer in meaning_of]
    # If no sample gives an accepted answer, the accepted answers are one more meaning.
    right = given[0] if given else len(reflection.meanings)
    for answer in accepted:
        meaning_of.setdefault(answer, right)
    return meaning_of


def entropy(reflection: Reflection) -> float:
    """Entropy of the fresh samples in nats; each one without a readable answer is unique."""
    shares = [meaning.share for meaning in reflection.meanings if meaning.share > 0]
    unreadable = round(reflection.samples * (1 - sum(shares)))
    shares += [1 / reflection.samples] * unreadable
    return max(0.0, -sum(share * log(share) for share in shares))


def answers_by_first_word(questions: Iterable[Question]) -> dict[str, set[Tokens]]:
    """All known answers to some questions, by their first word."""
    answers: dict[str, set[Tokens]] = {}
    for question in questions:
        for text in (*question.answers, *question.wrong_answers):
            if name := words(text):
                answers.setdefault(name[0], set()).add(name)
    return answers


def nameable(reflection: Reflection, answers: Mapping[str, set[Tokens]]) -> set[Tokens]:
    """Those of the answers that the rationale could name, because their first word is in it."""
    first_words = set(words(reflection.rationale or "")) & answers.keys()
    return {name for word in first_words for name in answers[word]}
