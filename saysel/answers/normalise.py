"""The words of a text, with numbers in digits.

It extends the normalisation of SQuAD's official evaluation (arXiv 1606.05250: lower case, no
punctuation, no articles) to accents, numbers, signs with a meaning, regnal names and
abbreviations.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from saysel.answers.roman import in_arabic
from saysel.answers.spelled_numbers import COMMA, ONE_OF, in_digits

#: Maximum number of characters of an answer; longer texts are compared word for word.
MAX_LENGTH = 1_000

ARTICLES = frozenset({"a", "an", "the"})
#: A number, a word that may end in + or # (C++, C#), a sign that changes the meaning, a comma.
TOKEN = re.compile(
    r"(?<![\w.)])-(?=\d)\d+(?:\.\d+)?|\d+\.\d+(?!\w)"
    r"|[^\W\d]\w*(?:\+{1,2}|[-#])(?=$|[\s,.;:!?)'\"])|\w+"
    r"|-?∞|(?<=\d) ?/ ?(?=\d)|[<>=+^±≠≤≥∅√∪∩∈%°$€£¥₹]|,"
)
#: Signs that stand for a unit; `normalise` leaves them out.
UNIT_SIGNS = frozenset("%°$€£¥₹")
#: Abbreviations of words that are common in names.
ABBREVIATIONS = {"mt": "mount", "st": "saint", "dr": "doctor", "jr": "junior", "vs": "versus"}
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
PLAIN_SIGNS = str.maketrans("’‘−–—⁄×÷∕＝", "''---/*//=")


def fold(text: str) -> str:
    """Lower case without accents, with ASCII quotes, dashes and digits."""
    if not text.isascii():
        text = re.sub(
            "[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+", lambda power: "^" + power[0].translate(SUPERSCRIPTS), text
        ).replace("≠", "!=")
        # A fraction character is set apart from the number before it: 2½ is 2 1/2, not 21/2.
        text = re.sub(r"(?<=\d)(?=[\u00bc-\u00be\u2150-\u215e])", " ", text)
        text = unicodedata.normalize("NFKD", text).casefold()
        # Case folding can compose: normalise again, so that folding twice changes nothing.
        text = unicodedata.normalize("NFKD", text).translate(PLAIN_SIGNS)
        text = "".join(mark for mark in text if not unicodedata.combining(mark))
    return text.casefold().replace("&", " and ")


def tokens(text: str) -> list[str]:
    """All tokens of a text, numbers in digits, signs of units included, articles left out."""
    folded = fold(in_arabic(text))
    folded = folded.replace("!=", "≠").replace(">=", "≥").replace("<=", "≤")
    folded = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", folded)
    folded = re.sub(
        r"(?<![\d.,-])(?<![\d.,] )\d{1,3}(?: \d{3})+(?![\d.]| \d)",
        lambda groups: groups[0].replace(" ", ""),
        folded,
    )
    # Initials are one word, and the last one of U.S.A. is no article.
    folded = re.sub(
        r"(?<![\w.])(?:[^\W\d_]\.){2,}", lambda letters: letters[0].replace(".", "") + " ", folded
    )
    # A point before digits belongs to the number: ".5" is 0.5, "3.5" is not 35.
    folded = re.sub(r"(?<![\w.])\.(?=\d)", "0.", folded)
    # Words joined as in an address: "The+green+mile".
    folded = re.sub(r"(?<=[^\W\d]{2})\+(?=[^\W\d]{2})", " ", folded)
    # The label of an option is no article.
    folded = re.sub(r"(?<!\w)a(?=\) ?\w)", "optiona", folded)
    folded = re.sub(r"(?<=\d)'s\b", "s", folded)
    folded = re.sub(r"\b([a-g])[ -]sharp\b", r"\1#", folded)
    words = [word.strip() for word in TOKEN.findall(folded)]
    # Remove articles first: "one, the thousand" would be read as two numbers, and then as one.
    kept = [
        word
        for word, after in zip(words, [*words[1:], ""], strict=False)
        if word not in ARTICLES or (word == "a" and after in (*ONE_OF, "dozen"))
    ]
    spelled = [ABBREVIATIONS.get(word, word) for word in in_digits(kept)]
    return spelled or [word for word in words if word != COMMA]


@lru_cache(maxsize=65_536)
def normalise(text: str) -> str:
    """The words of an answer, numbers in digits ("The Café, at Twenty-Two!" -> "cafe at 22").

    Case, accents, punctuation, articles and signs of units are removed. A text of articles alone is
    kept, because "A." may be an option, and a text of punctuation alone is only stripped, so that
    two different ones are never equal.
    """
    words = [word for word in tokens(text) if word not in UNIT_SIGNS]
    return " ".join(words) or collapse(text)


def collapse(text: str) -> str:
    """Lower case with single spaces, for texts that are only compared word for word."""
    return " ".join(text.split()).casefold()
