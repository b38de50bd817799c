"""What two short answers must share to be the same: words, numbers, and choices.

The starting point is the normalisation of SQuAD's official evaluation (arXiv 1606.05250: lower
case, no punctuation, no articles); accents, numbers, choices and lead-ins are ours.
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from saysel.spelled_numbers import LITERAL, ONE_OF, in_digits

ARTICLES = frozenset({"a", "an", "the"})
TOKEN = re.compile(r"(?<![\w.])-(?=\d)\d+(?:\.\d+)?|\d+\.\d+(?!\w)|\w+")
FRACTION = re.compile(r"(?:(-?\d+) )?(-?\d+)\s?/\s?(\d+)", re.ASCII)
BRACKETS = re.compile(r"\([^()]*\)|\[[^][]*\]")
LEAD_IN = re.compile(
    r"\A(?:(?:my|the)?\s*(?:correct|final|right|best)?\s*(?:answer|guess) (?:is|was|would be)"
    r"|(?:it|that|this|he|she|there|they)(?:['’]s|['’]re| is| are| was| were| would be)"
    r"|i (?:think|believe|guess|would say|am (?:fairly |quite )?sure)"
    r"|that|probably|most likely|definitely)\b\s*:?\s*",
    re.IGNORECASE,
)
PREPOSITION = re.compile(r"\A(?:in|on|at|by|from|to|of|with|for|around|about)\s+", re.IGNORECASE)

Choice = Literal["true", "false", "unknown"]
CHOICES: dict[str, Choice] = {
    "true": "true",
    "yes": "true",
    "false": "false",
    "no": "false",
    "unknown": "unknown",
}
UNKNOWN = re.compile(
    r"\bunknown\b|\bunknowable\b|\bunverifi\w+|\bundetermined\b|\binconclusive\b|\bunclear\b"
    r"|\buncertain\b|\bunsure\b|\bnot (?:sure|certain|clear|known|verifiable|possible)\b"
    r"|\b(?:not enough|insufficient) (?:info\w*|evidence)\b|\bno (?:idea|way to)\b"
    r"|\b(?:cannot|can not|can't|could not|couldn't) (?:be )?"
    r"(?:verif|determin|confirm|know|tell|say|answer)\w*"
    r"|\b(?:do not|don't) know\b|\bimpossible to\b"
)
# "Not true" is false, "not false" is true: these are looked for before the plain words.
REVERSED: tuple[tuple[re.Pattern[str], Choice], ...] = (
    (
        re.compile(
            r"(?:\bnot|n't)(?: entirely| quite)? (?:true|correct|right)\b|\buntrue\b|\bincorrect\b"
        ),
        "false",
    ),
    (re.compile(r"(?:\bnot|n't) (?:false|wrong)\b"), "true"),
)
PLAIN: tuple[tuple[re.Pattern[str], Choice], ...] = (
    (re.compile(r"\b(?:true|yes|yeah|correct)\b"), "true"),
    (re.compile(r"\b(?:false|no|nope|wrong)\b"), "false"),
)
FIRST = re.compile(r"\W*(true|false|yes|no|unknown)\b(?!\s*(?:/|,?\s*(?:or|and)\b))")


def fold(text: str) -> str:
    """Lower case without accents; other quotes, dashes and digits become the plain ones."""
    # A vulgar fraction keeps its distance: 2½ is 2 1/2, not 21/2.
    text = re.sub(r"(?<=\d)(?=[\u00bc-\u00be\u2150-\u215e])", " ", text)
    folded = unicodedata.normalize("NFKD", text).casefold()
    folded = "".join(mark for mark in folded if not unicodedata.combining(mark))
    return folded.translate(str.maketrans("’‘−–⁄", "''--/")).replace("&", " and ")


@lru_cache(maxsize=65_536)
def normalise(text: str) -> str:
    """The words of an answer, numbers in digits ("The Café, at Twenty-Two!" -> "cafe at 22").

    Without case, accents, punctuation and articles. Articles alone stay, for "A." may be an
    option, and punctuation alone is only stripped, so that two different ones never become equal.
    """
    folded = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", fold(text))
    # Initials are one word, and the last one of U.S.A. is no article.
    folded = re.sub(r"(?<!\w)(?:[^\W\d_]\.){2,}", lambda found: found[0].replace(".", ""), folded)
    # A point before digits belongs to the number: ".5" is 0.5, "3.5" is not 35.
    folded = re.sub(r"(?<![\w.])\.(?=\d)", "0.", folded)
    words = TOKEN.findall(folded)
    # Articles go first, or "one, the thousand" would be read as two numbers and then as one.
    kept = [
        word
        for word, after in zip(words, [*words[1:], ""], strict=False)
        if word not in ARTICLES or (word == "a" and after in ONE_OF)
    ]
    return " ".join(in_digits(kept)) or " ".join(words) or text.strip().casefold()


def key(text: str) -> str:
    """`normalise` without space between words: "Spider-Man" is "Spiderman", "U.S.A." is "USA".

    Digits stay apart: "10-4" is not 104.
    """
    return re.sub(r"(?<=[^\d ]) (?=[^\d ])", "", normalise(text))


def number(text: str) -> Fraction | None:
    """The one number in an answer: what stands behind its last "=", or in all of it.

    `None` if there is none, or more than one.
    """
    if "=" in text:
        text = text.rpartition("=")[2]
    found = FRACTION.fullmatch(fold(text).strip(" .$"))
    if found is not None and int(found[3]):
        part = Fraction(int(found[2]), int(found[3]))
        return part if found[1] is None else int(found[1]) + part
    values = {Fraction(word) for word in normalise(text).split() if LITERAL.fullmatch(word)}
    return values.pop() if len(values) == 1 else None


def only_number(text: str) -> Fraction | None:
    """The number that an answer is: "$1,000", "50 %", "eight thousand"; `None` for all others."""
    words = normalise(re.sub(r"[$€£¥%]", " ", text)).split()
    return number(text) if len(words) == 1 or "/" in text else None


def choice(text: str) -> Choice | None:
    """Which of true, false and unknown an answer says; `None` if none, or more than one."""
    folded = " ".join(fold(text).split())
    if first := FIRST.match(folded):
        return CHOICES[first[1]]
    said: set[Choice] = set()
    rest, unknown = UNKNOWN.subn(" ", folded)
    if unknown:
        said.add("unknown")
    for pattern, meaning in (*REVERSED, *PLAIN):
        rest, times = pattern.subn(" ", rest)
        if times:
            said.add(meaning)
    return said.pop() if len(said) == 1 else None


def readings(answer: str) -> list[str]:
    """The answer, then without brackets, without a lead-in, and without a preposition."""
    plain = BRACKETS.sub(" ", answer).strip() or answer
    led = plain
    while (shorter := LEAD_IN.sub("", led)) != led:
        led = shorter
    return [answer, plain, led, PREPOSITION.sub("", led)]
