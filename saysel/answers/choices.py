"""Answers that are a choice: true or false, yes or no, or unknown."""

from __future__ import annotations

import re
from typing import Literal

from saysel.answers.normalise import fold

Choice = Literal["true", "false", "unknown"]
CHOICES: dict[str, Choice] = {
    "true": "true",
    "yes": "true",
    "false": "false",
    "no": "false",
    "unknown": "unknown",
}
OPPOSITE: dict[Choice, Choice] = {"true": "false", "false": "true"}

UNKNOWN = re.compile(
    r"\bunknown\b|\bunknowable\b|\bunverifi\w+|\bundetermined\b|\binconclusive\b|\bunclear\b"
    r"|\buncertain\b|\bunsure\b|\bnot (?:sure|certain|clear|known|verifiable|possible)\b"
    r"|(?:\bnot enough|n't enough|\binsufficient) (?:info\w*|evidence)\b|\bno (?:idea|way to)\b"
    r"|\b(?:cannot|can not|can't|could not|couldn't) (?:be )?"
    r"(?:verif|determin|confirm|know|tell|say|answer)\w*"
    r"|\b(?:do not|don't) know\b|\bimpossible to\b"
)
#: "No doubt" is not a no.
IDIOMS = re.compile(
    r"\b(?:there is |there's )?(?:no|without (?:a |any )?|beyond (?:a |any )?)"
    r" ?(?:doubt|question)\b(?: about (?:it|that))?(?: that)?",
    re.IGNORECASE,
)
# "Not true" is false, "not false" is true: these are looked for before the plain words.
REVERSED: tuple[tuple[re.Pattern[str], Choice], ...] = (
    (re.compile(r"(?:\bnot|n't)(?: \w+ly)? (?:false|wrong|untrue|incorrect)\b"), "true"),
    (
        re.compile(
            r"(?:\bnot|n't)(?: \w+ly| quite| at all)? (?:true|correct|right|the case)\b"
            r"|\bfar from (?:true|correct)\b|\buntrue\b|\bincorrect\b"
        ),
        "false",
    ),
)
PLAIN: tuple[tuple[re.Pattern[str], Choice], ...] = (
    (re.compile(r"\b(?:true|yes|yeah|correct)\b"), "true"),
    (re.compile(r"\b(?:false|no|nope|wrong)\b"), "false"),
)
FIRST = re.compile(r"\W*(true|false|yes|no|unknown)\b(?!\s*(?:/|,?\s*(?:or|and|that|to|if)\b))")
#: A statement about a statement: "it is false that …", "it would be wrong to call it …".
OUTER = re.compile(
    r"\b(?:(?:not|n't) (?:true|correct|right)|false|wrong|untrue|incorrect) "
    r"(?:that|to (?:say|call|claim))\b"
)
#: Neither entirely true nor entirely false.
HEDGED = re.compile(
    r"\b(?:partly|partially|half|hardly|barely|mostly|somewhat|sort of|kind of|neither) "
    r"|\bwould (?:only )?be (?:true|false|correct)\b"
)
#: The start of a clause that calls the statement true or false, or retracts an answer.
SECOND = re.compile(
    r"(?:^|[.;,:!?]|\bbut|\bactually)\W*"
    r"(?:(?:but|no|wait|actually|sorry|well|in fact|i mean)\b\W*)*"
    r"(?P<says>(?:yes|true|false)\b|no\b(?=[.,!;]|$)"
    r"|(?:it|that|this|the (?:statement|claim|answer))(?:'s| is| was|isn't)(?: \w+ly)?"
    r"(?: not)?(?: \w+ly)? (?:true|false|correct|incorrect|right|wrong|untrue)\b)"
)


def choice(text: str) -> Choice | None:
    """Which of true, false and unknown an answer states.

    `None` if it states none, or several: "No, it is true" states none.
    """
    folded = IDIOMS.sub(" ", " ".join(fold(text).split()))
    folded = " ".join(folded.split())
    if first := FIRST.match(folded):
        stated = CHOICES[first[1]]
        return None if _takes_back(folded[first.end() :], stated) else stated
    if outer := OUTER.search(folded):
        inner = choice(folded[outer.end() :])
        return OPPOSITE.get(inner) if inner is not None else "false"
    return None if HEDGED.search(folded) else _only(folded)


def _takes_back(rest: str, stated: Choice) -> bool:
    if stated == "unknown":
        return False
    for clause in SECOND.finditer(rest):
        second = _only(clause["says"].replace("is right", "is correct").replace("'s right", "true"))
        if second is not None and second != stated:
            return True
    return False


def _only(folded: str) -> Choice | None:
    stated: set[Choice] = set()
    rest, unknown = UNKNOWN.subn(" ", folded)
    if unknown:  # "it is unclear whether it is true" does not state a truth value
        rest = rest.partition(" whether ")[0]
    if unknown:
        stated.add("unknown")
    for pattern, meaning in (*REVERSED, *PLAIN):
        rest, times = pattern.subn(" ", rest)
        if times:
            stated.add(meaning)
    return stated.pop() if len(stated) == 1 else None


def accepted_choices(accepted: list[str] | tuple[str, ...]) -> set[Choice] | None:
    """The accepted choices; `None` if an accepted answer is not a choice."""
    folded = [answer.strip(" .").casefold() for answer in accepted]
    if not all(answer in CHOICES for answer in folded):
        return None
    return {CHOICES[answer] for answer in folded}
