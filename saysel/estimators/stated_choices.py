"""The expected confidence of a reply, from the most likely tokens that its server returned."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from math import exp

from saysel.interfaces import Format
from saysel.records import Generation, TokenChoice

#: Largest share of the probability at the confidence that may belong to unknown confidences.
MAX_UNKNOWN = 0.1
#: What continues the number before it: "15", "1,5", "1%" and "1.5", but not "1.".
NUMBER_CONTINUES = re.compile(r"[\d,%％]|\.\d")

Choices = tuple[tuple[TokenChoice, ...], ...]


def expected_from_choices(format: Format, reply: Generation, start: int) -> float | None:
    """The mean of all confidences that the reply could state, by their probability.

    A token may begin several confidences, as "8" does in "80%" and "85%". The reply's own token is
    followed to the next place. What would follow another one is unknown. A number that continues
    after a confidence, as in "15", is not a confidence.

    Args:
        reply: with its token choices.
        start: where the confidence begins in its text.

    Returns:
        `None` if the tokens are not those of the text, if no token states a confidence, or if more
        than `MAX_UNKNOWN` of the probability belongs to unknown confidences.
    """
    choices = reply.choices or ()
    place, end = 0, 0
    for options in choices:
        if end + len(options[0].text) > start:
            break
        end += len(options[0].text)
        place += 1
    own = "".join(options[0].text for options in choices)
    if place == len(choices) or not own.startswith(reply.text[:start]):
        return None
    begun = reply.text[end:start]  # such as the end of the label, if the token merges it
    here = tuple(
        TokenChoice(text.removeprefix(begun), logprob)
        for text, logprob in choices[place]
        if text.startswith(begun)
    )
    stated = {text.strip(): value for text, value in format.confidences.items()}
    masses: dict[float | None, float] = defaultdict(float)
    _collect(stated, (here, *choices[place + 1 :]), "", 1.0, masses)
    unknown = masses.pop(None, 0.0)
    known = sum(masses.values())
    if not known or unknown > MAX_UNKNOWN * (known + unknown):
        return None
    mean = sum((value or 0.0) * mass for value, mass in masses.items()) / known
    return min(1.0, max(0.0, mean))


def _collect(
    stated: Mapping[str, float],
    choices: Choices,
    before: str,
    weight: float,
    masses: dict[float | None, float],
) -> None:
    """Add the probability of each confidence to `masses`, that of unknown ones under `None`.

    Args:
        stated: the confidences by their text.
        choices: those at this place and at later ones.
        before: what the reply has written of its confidence so far.
        weight: probability of that.
    """
    own = choices[0][0].text
    options = dict(choices[0])  # the own token may be among the most likely ones
    for text, logprob in options.items():
        mass, written = weight * exp(logprob), (before + text).strip()
        ends = bool(before.strip()) and not text.strip()
        possible = [] if ends else [name for name in stated if name.startswith(written)]
        if not possible:  # the confidence has ended, or this is none
            following = choices[1][0].text if text == own and len(choices) > 1 else ""
            if before.strip() in stated and not NUMBER_CONTINUES.match(text + following):
                masses[stated[before.strip()]] += mass
        elif len(possible) == 1:
            masses[stated[possible[0]]] += mass
        elif text == own and len(choices) > 1:
            _collect(stated, choices[1:], before + text, mass, masses)
        elif written in stated and _is_whole(written, possible, before, options):
            masses[stated[written]] += mass
        else:
            masses[None] += mass


def _is_whole(written: str, possible: list[str], before: str, options: Mapping[str, float]) -> bool:
    """Whether each of the longer confidences that begin with a token is a separate token.

    If "10" is a token, "1" is not followed by "0".
    """
    longer = {name for name in possible if name != written}
    return longer <= {(before + text).strip() for text in options}
