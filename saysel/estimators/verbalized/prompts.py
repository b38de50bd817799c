"""The prompts of each style: the text that follows the question, one per turn.

`{guesses}` is replaced by the number of guesses, `{words}` by the phrases to choose from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Style = Literal["trained", "percent", "ten", "words", "guesses"]

#: The values of phrases. Any such list is a convention: surveys of readers agree on the order,
#: and differ by a tenth or more in the values.
WORDS = {
    "almost certain": 0.95,
    "highly likely": 0.9,
    "likely": 0.75,
    "better than even": 0.6,
    "about even": 0.5,
    "unlikely": 0.25,
    "highly unlikely": 0.1,
    "almost impossible": 0.05,
}

ONE_TURN: Mapping[str, str] = {
    "percent": """\
Write two lines and nothing else:
Answer: your answer, in a few words
Confidence: how probable it is that your answer is right, from 0% to 100%""",
    "ten": """\
Write two lines and nothing else:
Answer: your answer, in a few words
Confidence: how sure you are of it, a whole number from 1 (a blind guess) to 10 (no doubt)""",
    "words": """\
Write two lines and nothing else:
Answer: your answer, in a few words
Confidence: how probable it is that your answer is right, as one of: {words}""",
    "guesses": """\
Write your {guesses} best guesses, the best first, and how probable it is that each is right, \
from 0.0 to 1.0. Two lines for each and nothing else:
G1: the first guess, in a few words
P1: its probability
and so on up to G{guesses} and P{guesses}.""",
}

ANSWER = "Answer in a few words. Write the answer and nothing else."

TWO_TURNS: Mapping[str, tuple[str, str]] = {
    "percent": (
        ANSWER,
        "How probable is it that this answer is right? Write a percentage from 0% to 100% and "
        "nothing else.",
    ),
    "ten": (
        ANSWER,
        "How sure are you of this answer? Write a whole number from 1 (a blind guess) to 10 (no "
        "doubt) and nothing else.",
    ),
    "words": (
        ANSWER,
        "How probable is it that this answer is right? Write one of these and nothing else: "
        "{words}.",
    ),
    "guesses": (
        """\
Write your {guesses} best guesses, the best first, one a line and nothing else:
G1: the first guess, in a few words
and so on up to G{guesses}.""",
        """\
How probable is it that each guess is right? Write one line for each, with a number from 0.0 to \
1.0, and nothing else:
P1: the probability of the first guess
and so on up to P{guesses}.""",
    ),
}


def texts(style: Style, turns: int) -> tuple[str, ...]:
    """The texts of a style, one per turn."""
    return (ONE_TURN[style],) if turns == 1 else TWO_TURNS[style]
