"""Alternatives that a rationale names but that are no known answers.

On an open set of answers, a made-up alternative cannot be looked up among the known ones. It is
recognised by its form: an item that follows a word which introduces alternatives (`CUES`: "or",
"maybe", "could be", "sometimes" …) or belongs to a list before "or", and that is

- a run of capitalised words ("or Port Louis"), a number ("maybe 1815") or a quoted phrase;
- a noun phrase with an article that ends its clause ("or the garage.").

It does not count if it names a known answer, is denied, or only repeats words of the question.
Names that no such word introduces are treated as context: "Paris, which is in France" names no
alternative. The number of made-up alternatives is therefore a lower bound.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from saysel.faithfulness.mentions import MAX_WORDS, Tokens, mentioned, words

CUES = (
    r"or|perhaps|maybe|possibly|alternatively|sometimes|rarely|often|usually|either|between"
    r"|(?:could|might|may|would)(?: also)? (?:be|have been|say)|whether (?:it|he|she) (?:is|was)"
)
#: A run of at most seven capitalised words, with small words in between.
NAME = (
    r"(?!(?:Not|Never|Neither|Nor)\b)[A-Z][\w'’.&-]{0,40}"
    r"(?:(?: (?:of|the|de|da|von|van|and))? [A-Z][\w'’.&-]{0,40}){0,6}"
)
NUMBER = r"[$€£]?\d[\d.,]{0,20}"
ITEM = rf"(?:{NAME}|{NUMBER})"
AFTER_CUE = re.compile(
    rf"\b(?i:{CUES}) (?:(?:in|by|from|at) )?"
    rf"(?:(?:the |a |an )?(?P<item>{ITEM})|[\"“](?P<quoted>[^\"”\n]{{1,80}})[\"”]"
    r"|(?:the|an?) (?P<noun>[a-z][\w-]{0,30}(?: [a-z][\w-]{0,30}){0,2})(?=[.,;:!?]|$| or\b))"
)
LIST = re.compile(rf"(?P<list>{ITEM}(?:, {ITEM}){{0,8}}),? or (?=[A-Z\d])")
#: Capitalised or generic words that are not an answer.
NOT_ANSWERS = frozenset(
    (
        *("i", "it", "he", "she", "they", "we", "you", "this", "that", "there", "not", "so", "if"),
        *("the", "my", "answer", "other", "another", "same", "opposite", "latter", "former"),
        *("something", "else", "question", "different", "similar", "nothing", "1"),
    )
)
NEGATED = re.compile(r"\b(?:not|never|neither|nor)\b|n['’]t\b", re.IGNORECASE)


def made_up(text: str, known: Collection[Tokens], question: str = "") -> set[Tokens]:
    """The alternatives that a text introduces and that are not known answers.

    Args:
        text: a rationale.
        known: all known answers, as `saysel.faithfulness.mentions.words` gives them.
        question: a name that only repeats words of the question is not an alternative.
    """
    question_words = set(words(question))
    names: set[Tokens] = set()
    for item in _introduced(" ".join(text.split())):
        name = words(item)
        if not name or len(name) > MAX_WORDS or NOT_ANSWERS.intersection(name[:1]):
            continue
        if question_words.issuperset(name) or any(True for _ in mentioned(item, known)):
            continue
        names.add(name)
    return names


def _introduced(text: str) -> Iterator[str]:
    lists = list(LIST.finditer(text))
    # The item after "or" belongs to the list before it.
    start_of = {match.end() - len("or "): match.start() for match in lists}
    for match in AFTER_CUE.finditer(text):
        if not _denied(text, start_of.get(match.start(), match.start())):
            yield (match["item"] or match["quoted"] or match["noun"]).rstrip(".,")
    for match in lists:
        if not _denied(text, match.start()):
            yield from match["list"].split(", ")


def _denied(text: str, start: int) -> bool:
    """Whether a negation between the start of the clause and an index denies what follows."""
    clause = re.split(r"[.,;:!?]|\bbut\b", text[max(0, start - 60) : start])[-1]
    sure = re.search(r"\b(?:sure|certain|know|clear)\b", clause)
    return bool(NEGATED.search(clause)) and not sure
