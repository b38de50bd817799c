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
#: "A" is an article directly before a word. A last "A" belongs to a name (Vitamin A), and so does
#: one after "the" (the A Team) or before a hyphen (A-Team) or "and" (Vitamins A and C).
ARTICLE = re.compile(
    r"-?\bthe\b(?:-(?=\w)|(?!-))|-an?-(?=\w)"
    rf"|(?<!\w')-?(?<!\bthe )\ban?(?!\s+(?:{'|'.join((*ONE_OF, 'dozen'))})\b)"
    r"(?!\s+(?:and|or|but|is|are|was|were|has|had|in|on|of|for|from|to|at|by|with|as|because)\b)"
    r"(?=\s+[^\w\s(\[]{0,3}\w)"
)
#: A number, a word that may end in + or # (C++, C#), a sign that changes the meaning, a comma.
TOKEN = (
    r"(?<![\w.)])-(?=\d)\d+(?:\.\d+)?|\d+\.\d+(?!\w)"
    r"|[^\W\d]{letters}*(?:\+{{1,2}}|[-#])(?=$|[\s,.;:!?)'\"])|{letters}+"
    r"|-?∞|(?<=\d) ?/ ?(?=\d)|[<>=+^±≠≤≥∅√∪∩∈∉%°$€£¥₹]|,"
)
#: All characters of tokens that are not part of words, for a set in a regular expression.
SIGNS = r"<>=+^±≠≤≥∅√∪∩∈∉∞%°$€£¥₹,/#\-"
#: Marks that are no part of a word: the accents of Latin, Greek and Cyrillic letters, the vowel
#: points of Hebrew and Arabic, which are optional, variants of characters, and invisible joiners.
#: Not the stroke that negates a sign (≠), and not the marks of й, ў and ї, which are other letters.
#: Marks of all other scripts distinguish words: Devanagari and Thai vowels, Japanese voicing.
ACCENT = re.compile(
    "(?!(?<=[иу])\u0306|(?<=і)\u0308)"
    "[\u0300-\u0337\u0339-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
    "\u08ca-\u08e1\u08e3-\u08ff\u180b-\u180d\u180f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
    "\u2de0-\u2dff\ufe00-\ufe0f\ufe20-\ufe2f\U000e0100-\U000e01ef\u200c\u200d]"
)
#: Signs that stand for a unit; `normalise` leaves them out.
UNIT_SIGNS = frozenset("%°$€£¥₹")
#: Abbreviations of words that are common in names.
ABBREVIATIONS = {"mt": "mount", "st": "saint", "dr": "doctor", "jr": "junior", "vs": "versus"}
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
PLAIN_SIGNS = str.maketrans("’‘−‐–—⁄×÷∕＝٫٬٪", "''----/*//=.,%")
#: Letters that do not decompose, as they are written without them.
PLAIN_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)


def fold(text: str) -> str:
    """Lower case without accents, with ASCII quotes, dashes and digits.

    Marks that distinguish words, such as the vowels of Devanagari and Thai, are kept, composed with
    their letter where possible (NFC).
    """
    if not text.isascii():
        text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+", lambda power: "^" + power[0].translate(SUPERSCRIPTS), text)
        # A fraction character is set apart from the number before it: 2½ is 2 1/2, not 21/2.
        text = re.sub(r"(?<=\d)(?=[\u00bc-\u00be\u2150-\u215e])", " ", text)
        text = unicodedata.normalize("NFKD", text).casefold()
        # Case folding can compose: normalise again, so that folding twice changes nothing.
        text = unicodedata.normalize("NFKD", text).translate(PLAIN_SIGNS).translate(PLAIN_LETTERS)
        text = unicodedata.normalize("NFC", ACCENT.sub("", text)).replace("≠", "!=")
        text = re.sub(r"[^\D0-9]", lambda digit: str(unicodedata.decimal(digit[0])), text)
    return text.casefold().replace("&", " and ")


@lru_cache(maxsize=2)
def _token(ascii_only: bool) -> re.Pattern[str]:
    """`TOKEN`, compiled; all marks continue a word, which are not among the letters of `re`."""
    return re.compile(TOKEN.format(letters=rf"[\w{'' if ascii_only else _marks()}]"))


def _marks() -> str:
    """All marks, as ranges of a set in a regular expression."""
    ranges: list[str] = []
    for code in range(0x300, 0x1F000):
        if unicodedata.category(chr(code)) in ("Mn", "Mc"):
            if ranges and ord(ranges[-1][-1]) == code - 1:
                ranges[-1] = f"{ranges[-1][0]}-{chr(code)}"
            else:
                ranges.append(chr(code))
    return "".join(ranges)


def tokens(text: str) -> list[str]:
    """All tokens of a text, numbers in digits, signs of units included, articles left out."""
    folded = fold(in_arabic(unicodedata.normalize("NFC", text)))
    folded = folded.replace("!=", "≠").replace(">=", "≥").replace("<=", "≤")
    folded = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", folded)
    folded = re.sub(
        r"(?<![\d.,-])(?<![\d.,] )\d{1,3}(?: \d{3})+(?![\d.]| \d)",
        lambda groups: groups[0].replace(" ", ""),
        folded,
    )
    # Initials are one word.
    folded = re.sub(
        r"(?<![\w.])(?:[^\W\d_]\.){2,}", lambda letters: letters[0].replace(".", "") + " ", folded
    )
    # A point before digits belongs to the number: ".5" is 0.5, "3.5" is not 35.
    folded = re.sub(r"(?<![\w.])\.(?=\d)", "0.", folded)
    # Words joined as in an address: "The+green+mile".
    folded = re.sub(r"(?<=[^\W\d]{2})\+(?=[^\W\d]{2})", " ", folded)
    folded = re.sub(r"(?<=\d)'s\b", "s", folded)
    folded = re.sub(r"\b([a-g])[ -]sharp\b", r"\1#", folded)
    pattern = _token(folded.isascii())
    # Remove articles first: "one, the thousand" would be read as two numbers, and then as one.
    words = [word.strip() for word in pattern.findall(ARTICLE.sub(" ", folded))]
    return [ABBREVIATIONS.get(word, word) for word in in_digits(words)] or [
        word.strip() for word in pattern.findall(folded) if word != COMMA
    ]


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
