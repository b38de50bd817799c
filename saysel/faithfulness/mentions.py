"""Which answers a text names, and which of them it denies.

A text is compared as words in their normal form (`saysel.answers`): without case, accents,
punctuation and articles, numbers in digits. An answer is named where all of its words occur in a
row; where two answers could be meant, the longer one is ("new york city" does not name "New
York").

An answer is *denied* where a negation precedes it in its clause ("surely not the attic", "rather
than Lyon") or follows it ("Lyon is not the answer", "Lyon is ruled out"). Clauses end at
punctuation and at "but". Being unsure is no negation ("not sure whether it is Lyon").

What this cannot see: a negation in another clause ("not Lyon, Nice, Metz" denies Lyon alone),
another wording of an answer than the known ones, and a short answer that is also an ordinary word.
An answer that is nothing but an article, such as the letter "A", is never named.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from saysel.answers.choices import IDIOMS
from saysel.answers.normalise import ARTICLES, UNIT_SIGNS, tokens

Tokens = tuple[str, ...]

#: Words of the longest answer that is looked for.
LONGEST_NAME = 40
#: Words between a negation and what it denies.
REACH = 6

CLAUSE_END = re.compile(r"[.;:!?](?=\s|$)|,(?!\d)|\n|\b(?:but|although|though|however)\b", re.I)
#: "One" that is no number: "one of them", "the other one".
PRONOUN = re.compile(
    r"\bone(?= (?:of|or the other|is|can|could|would|might|may)\b|'s\b)"
    r"|(?<=\bthe )one\b|(?<=\b(?:this|that|some) )one\b|(?<=\bno )one\b"
    r"|(?<=\b(?:right|wrong|other|which|every) )one\b",
    re.IGNORECASE,
)
NEGATIONS = frozenset(("not", "never", "cannot", "neither", "nor", "without", "except", "unlike"))
#: After a negation, these say that the writer is unsure, or that something remains possible.
UNSURE = frozenset(
    (
        *("sure", "certain", "confident", "only", "just", "necessarily", "know", "clear", "rule"),
        *("exclude", "excluded", "impossible", "unlikely", "convinced", "remember", "recall"),
        *("decide", "tell", "say", "whether", "if", "entirely", "completely", "fully", "quite"),
        *("100", "wrong", "possible"),
    )
)
#: "Not say" denies what follows, "cannot say whether" does not.
SAYING = frozenset(("say", "tell", "quite"))
#: Pairs of words that deny what follows.
EXCLUDING = frozenset((("rather", "than"), ("instead", "of"), ("ruled", "out"), ("rule", "out")))
LINKS = frozenset(
    ("is", "was", "are", "were", "seems", "would", "could", "can", "does", "do", "did", "s")
)
DENIES = frozenset(("impossible", "wrong", "excluded", "ruled", "out"))


class Mention(NamedTuple):
    """A known answer at its place in a text."""

    name: Tokens
    denied: bool


class _Word(NamedTuple):
    text: str
    clause: int


def words(text: str) -> Tokens:
    """The words of a text that are compared."""
    return tuple(word.text for word in _words(text))


def named(text: str, known: Collection[Tokens], denied: bool = False) -> list[Tokens]:
    """The known answers that a text names, each once, in their order in the text.

    Args:
        text: any text.
        known: answers as `words` gives them; the empty one is never named, nor one of more than
            `LONGEST_NAME` words.
        denied: whether answers count that the text only denies.
    """
    found = (m.name for m in mentioned(text, known) if denied or not m.denied)
    return list(dict.fromkeys(found))


def mentioned(text: str, known: Collection[Tokens]) -> Iterator[Mention]:
    """Every place where a text names a known answer, in order."""
    said = _words(text)
    tree = _tree(known)
    place = 0
    while place < len(said):
        size = _longest(said, place, tree)
        if size:
            name = tuple(word.text for word in said[place : place + size])
            yield Mention(name, _denied(said, place, place + size))
        place += size or 1


def _words(text: str) -> list[_Word]:
    text = PRONOUN.sub("it", IDIOMS.sub(" ", text))
    found: list[_Word] = []
    start = 0
    for clause, end in enumerate([*(m.start() for m in CLAUSE_END.finditer(text)), len(text)]):
        found += [
            _Word(word, clause)
            for word in tokens(text[start:end])
            if word not in ARTICLES and word not in UNIT_SIGNS and word != ","
        ]
        start = end
    return found


def _tree(known: Collection[Tokens]) -> dict[str, Any]:
    """Known answers as nested dictionaries, word by word; the key "" marks an end."""
    tree: dict[str, Any] = {}
    for name in known:
        if 0 < len(name) <= LONGEST_NAME:
            branch = tree
            for word in name:
                branch = branch.setdefault(word, {})
            branch[""] = {}
    return tree


def _longest(said: list[_Word], place: int, tree: dict[str, Any]) -> int:
    """Number of words of the longest known answer that begins at a place; 0 if none does."""
    longest, branch = 0, tree
    for size in range(1, min(LONGEST_NAME, len(said) - place) + 1):
        branch = branch.get(said[place + size - 1].text, {})
        if "" in branch:
            longest = size
        elif not branch:
            break
    return longest


def _denied(said: list[_Word], start: int, end: int) -> bool:
    clause = said[start].clause
    before = [word.text for word in said[max(0, start - REACH) : start] if word.clause == clause]
    after = [word.text for word in said[end : end + 4] if word.clause == said[end - 1].clause]
    return _denies_what_follows(before) or _denies_what_precedes(after)


def _denies_what_follows(before: list[str]) -> bool:
    for place, word in enumerate(before):
        rest = before[place + 1 :]
        if (word, *rest[:1]) in EXCLUDING and not any(map(_negates, before[:place])):
            return True
        if _negates(word):
            unsure = UNSURE.intersection(rest[:3])
            if not unsure or (unsure <= SAYING and not {"whether", "if"} & {*rest}):
                return True
    return False


def _denies_what_precedes(after: list[str]) -> bool:
    if len(after) > 1 and after[0] in LINKS:
        if _negates(after[1]) or (after[1] == "t" and after[0] != "s"):
            return not UNSURE.intersection(after[2:4])
        state = after[2:3] if after[1] == "be" else after[1:2]
        return not DENIES.isdisjoint(state)
    if after[:1] == ["cannot"]:
        return True
    # "isn't" is read as the two words "isn" and "t".
    return len(after) > 1 and after[0].endswith("n") and after[1] == "t" and len(after[0]) < 8


def _negates(word: str) -> bool:
    return word in NEGATIONS or word == "t"
