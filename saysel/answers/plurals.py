"""Singular and plural of common nouns: "lions" and "lion" are the same answer."""

from __future__ import annotations

import re

IRREGULAR = {
    **{"men": "man", "women": "woman", "children": "child", "people": "person", "feet": "foot"},
    **{"teeth": "tooth", "geese": "goose", "mice": "mouse", "lice": "louse", "oxen": "ox"},
    **{"wolves": "wolf", "knives": "knife", "leaves": "leaf", "lives": "life", "wives": "wife"},
    **{"halves": "half", "loaves": "loaf", "thieves": "thief", "shelves": "shelf"},
    **{"centuries": "century", "potatoes": "potato", "tomatoes": "tomato", "heroes": "hero"},
    **{"cacti": "cactus", "fungi": "fungus", "bacteria": "bacterium", "inches": "inch"},
}
#: Words for which the form with s is a different word, and singular words that end in s.
UNCHANGED = (
    "news glasses arms customs goods means woods savings manners spectacles species series lens "
    "gas bus yes thus plus his its was has us is as this hundreds thousands millions billions "
    "trillions mars paris wales chess celsius always works looks pants airs contents damages "
    "premises remains spirits letters odds draughts dominoes billiards aids alms blues"
)
NOT_PLURAL = frozenset(UNCHANGED.split())


def singular(phrase: str) -> str:
    """The phrase in lower case with its last word in the singular."""
    start, space, last = phrase.rpartition(" ")
    return f"{start}{space}{_singular(last)}"


def _singular(word: str) -> str:
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word in NOT_PLURAL or len(word) < 4 or not word.isalpha() or not word.endswith("s"):
        return word
    if word.endswith(("ss", "us", "is", "ics")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("xes", "ches", "shes", "sses", "zzes")):
        return word[:-2]
    return word[:-1]


def differ_in_number_alone(first: str, second: str) -> bool:
    """Whether two answers are a common noun in the singular and the same in the plural.

    A name is not a common noun (Robert, Roberts): the last word of one of the two must be written
    in lower case.
    """
    words = [text.strip(" .,;:!?\"'*").rsplit(" ", 1)[-1] for text in (first, second)]
    if not any(word and word == word.lower() for word in words):
        return False
    first, second = (re.sub(r"\A(?:an?|the) ", "", text.casefold()) for text in (first, second))
    return singular(first) == second or singular(second) == first
