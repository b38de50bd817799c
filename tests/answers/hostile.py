"""Hostile answers and rationales, and everything that reads them."""

from __future__ import annotations

from collections.abc import Callable

from saysel.answers import key, keys, matches, normalise
from saysel.faithfulness.made_up import made_up
from saysel.faithfulness.mentions import named, words
from saysel.judges.llm import read as read_verdict
from saysel.judges.token_f1 import TokenF1Judge
from saysel.stages.grade import read_grade
from saysel.testing import question

#: Pieces that a text repeats.
PIECES = [
    *(
        "9",
        "5 trillion ",
        "9.5 thousand ",
        "the ",
        " ",
        "it is ",
        "(",
        ")",
        "[",
        "{",
        "}",
        "\\frac{",
    ),
    *(
        "\\frac{1}{",
        "9^",
        "not ",
        "false that ",
        "a and ",
        "1,",
        "100 ",
        "a.",
        "$ ",
        "two hundred ",
    ),
    *(
        "-",
        "1+",
        "(x+1)",
        "I",
        "I ",
        "X ",
        "Ab the ",
        "a, b (or c) ",
        "no, ",
        "but wait ",
        "*",
        "**",
    ),
    *("Paris. It is ", "\\boxed{", "x=", "1's", "c sharp ", "a who b ", "1 may ", ", Norway"),
    *(
        "½",
        "²",
        "1/2 ",
        "half a dozen ",
        "\n",
        "verdict: right ",
        "Score: 7 ",
        "7 / ",
        "\u0301",
        "\u0338",
        "दि",
        "é",
        "a a-",
        "and a half ",
        "an hour and ",
        "İ",
        "1 1 1 ",
        "1e9",
        "5 km ",
        "..",
        "\\",
    ),
]
#: Readers of answers.
JUDGES: dict[str, Callable[[str], object]] = {
    "number": lambda text: matches(["42"], text),
    "words": lambda text: matches(["Paris, France"], text),
    "choice": lambda text: matches(["true"], text),
    "leading no": lambda text: matches(["No, never"], text),
    "option": lambda text: matches(["A"], text),
    "date": lambda text: matches(["4 July 1776"], text),
    "expression": lambda text: matches(["x+1"], text),
    "gold": lambda text: matches([text], "42"),
    "both": lambda text: matches([text], text + " "),
}
KNOWN = {words("a b " * size + "end") for size in range(1, 1_000, 25)}
#: Readers of texts of any length.
READERS: dict[str, Callable[[str], object]] = {
    "normalise": normalise,
    "key": lambda text: (key(text), keys([text])),
    "match": lambda text: [judge(text) for judge in JUDGES.values()],
    "token_f1": lambda text: TokenF1Judge().judge([(question(answers=(text,)), text)]),
    "verdict": lambda text: read_verdict(f"Verdict: right {text}"),
    "grade": lambda text: read_grade(f"Score: 7 {text}"),
    "mentions": lambda text: named(text, KNOWN),
    "made_up": lambda text: made_up(text, KNOWN),
}
