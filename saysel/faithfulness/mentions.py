"""Which answers a text names, and which of them it denies.

A text is compared as words in their normal form (`saysel.answers`): without case, accents,
punctuation and articles, numbers in digits. An answer is named if all of its words occur
consecutively; of two overlapping answers, the longer one is named ("new york city" does not name
"New York").

An answer is *denied* if a negation precedes it in its clause ("surely not the attic", "rather than
Lyon") or follows it ("Lyon is not the answer", "Lyon is ruled out"). Clauses end at punctuation and
at "but". Being unsure is no negation ("not sure whether it is Lyon").

Not recognised are a negation in another clause ("not Lyon, Nice, Metz" denies Lyon alone), a
wording that is not a known answer, and a short answer that is also an ordinary word. An answer that
is only an article, such as the letter "A", is never named.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from saysel.answers.choices import IDIOMS
from saysel.answers.normalise import ARTICLES, UNIT_SIGNS, tokens

Tokens = tuple[str, ...]

#: Maximum number of words in an answer; longer ones are never named.
MAX_WORDS = 40
#: Maximum number of words between a negation and what it denies.
MAX_DISTANCE = 6

#: A full stop after initials ("U.S.") belongs to them.
CLAUSE_END = re.compile(
    r"(?:[;:!?]|(?<![^\W\d_]\.[^\W\d_])\.)(?=\s|$)|,(?!\d)|\n|\b(?:but|although|though|however)\b",
    re.I,
)
#: "One" as a pronoun: "one of them", "the other one".
PRONOUN = re.compile(
    r"\bone(?= (?:of|or the other|is|can|could|would|might|may)\b|'s\b)"
    r"|(?<=\bthe )one\b|(?<=\b(?:this|that|some) )one\b|(?<=\bno )one\b"
    r"|(?<=\b(?:right|wrong|other|which|every) )one\b",
    re.IGNORECASE,
)
NEGATIONS = frozenset(("not", "never", "cannot", "neither", "nor", "without", "except", "unlike"))
#: After a negation, these words express uncertainty, or that something remains possible.
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
    """An occurrence of a known answer in a text."""

    name: Tokens
    denied: bool


class _Word(NamedTuple):
    text: str
    clause: int


def words(text: str) -> Tokens:
    """The words of a text in the form in which they are compared."""
    return tuple(word.text for word in _words(text))


def named(text: str, known: Collection[Tokens], denied: bool = False) -> list[Tokens]:
    """The known answers that a text names, each once, in their order in the text.

    Args:
        text: any text.
        known: answers as `words` gives them; an empty one, or one of more than `MAX_WORDS` words,
            is never named.
        denied: whether to include answers that the text only denies.
    """
    names = (m.name for m in mentioned(text, known) if denied or not m.denied)
    return list(dict.fromkeys(names))


def mentioned(text: str, known: Collection[Tokens]) -> Iterator[Mention]:
    """Every occurrence of a known answer in a text, in order."""
    text_words = _words(text)
    tree = _tree(known)
    start = 0
    while start < len(text_words):
        size = _longest(text_words, start, tree)
        if size:
            name = tuple(word.text for word in text_words[start : start + size])
            yield Mention(name, _denied(text_words, start, start + size))
        start += size or 1


def _words(text: str) -> list[_Word]:
    text = PRONOUN.sub("it", IDIOMS.sub(" ", text))
    text_words: list[_Word] = []
    start = 0
    for clause, end in enumerate([*(m.start() for m in CLAUSE_END.finditer(text)), len(text)]):
        clause_words = tokens(text[start:end])
        if ARTICLES.issuperset(clause_words):
            clause_words = []
        text_words += [
            _Word(word, clause) for word in clause_words if word not in UNIT_SIGNS and word != ","
        ]
        start = end
    return text_words


def _tree(known: Collection[Tokens]) -> dict[str, Any]:
    """Known answers as nested dictionaries, word by word; the key "" marks an end."""
    tree: dict[str, Any] = {}
    for name in known:
        if 0 < len(name) <= MAX_WORDS:
            branch = tree
            for word in name:
                branch = branch.setdefault(word, {})
            branch[""] = {}
    return tree


def _longest(text_words: list[_Word], start: int, tree: dict[str, Any]) -> int:
    """Number of words of the longest known answer at an index; 0 if none starts there."""
    longest, branch = 0, tree
    for size in range(1, min(MAX_WORDS, len(text_words) - start) + 1):
        branch = branch.get(text_words[start + size - 1].text, {})
        if "" in branch:
            longest = size
        elif not branch:
            break
    return longest


def _denied(text_words: list[_Word], start: int, end: int) -> bool:
    preceding = text_words[max(0, start - MAX_DISTANCE) : start]
    following = text_words[end : end + 4]
    before = [word.text for word in preceding if word.clause == text_words[start].clause]
    after = [word.text for word in following if word.clause == text_words[end - 1].clause]
    return _denies_what_follows(before) or _denies_what_precedes(after)


def _denies_what_follows(before: list[str]) -> bool:
    for index, word in enumerate(before):
        rest = before[index + 1 :]
        if (word, *rest[:1]) in EXCLUDING and not any(map(_negates, before[:index])):
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
