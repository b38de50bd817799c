"""Dates: "July 20, 1969" and "1969-07-20" are the same day, and that day is in 1969.

Only unambiguous forms are read. dateutil fills in what is missing from today's date and reads
"3/4/2020" as an American does, which would make different answers equal.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from saysel.answers.normalise import fold

NAMES = "january february march april may june july august september october november december"
MONTHS = NAMES.split()
MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" if len(name) > 3 else name for name in MONTHS)
MONTH = MONTH.replace("sep(?:tember)?", "sept?(?:ember)?")
DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
YEAR = r"(?P<year>\d{3,4})"
FORMS = tuple(
    re.compile(form)
    for form in (
        rf"(?:the )?{DAY} (?:of )?(?P<month>{MONTH})\.?(?:,? (?:of )?{YEAR})?",
        rf"(?P<month>{MONTH})\.? (?:the )?{DAY}(?:,? (?:of )?{YEAR})?",
        rf"(?P<month>{MONTH})\.?,? (?:of )?{YEAR}",
        r"(?P<year>\d{4})-(?P<number>\d{2})-(?P<day>\d{2})",
    )
)
WEEKDAY = re.compile(r"(?:on |in )?(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,? )?")


class Date(NamedTuple):
    """A date, as far as it is stated."""

    year: int | None
    month: int
    day: int | None


def date(text: str) -> Date | None:
    """The date that a text is and nothing else; at least two of year, month and day."""
    if len(text) > 40:
        return None
    folded = " ".join(fold(text).split()).strip(" .,;:!?\"'*")
    folded = folded[WEEKDAY.match(folded).end() :]  # type: ignore[union-attr]
    for form in FORMS:
        if match := form.fullmatch(folded):
            parts = match.groupdict()
            month = int(parts.get("number") or 0) or _month(parts["month"])
            day, year = (int(part) if (part := parts.get(k)) else None for k in ("day", "year"))
            if month > 12 or (day is not None and not 1 <= day <= 31):
                return None
            return Date(year, month, day)
    return None


def _month(name: str) -> int:
    return next(number for number, month in enumerate(MONTHS, 1) if month.startswith(name[:3]))


def same_date(accepted: Date, answer: Date) -> bool:
    """Whether an answer is the accepted date, or a day within the accepted month."""
    return all(ours in (None, theirs) for ours, theirs in zip(accepted, answer, strict=True))
