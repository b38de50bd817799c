"""Which answers a text names.

Texts are compared as words: without case, accents, punctuation and articles. An answer is named
where all of its words stand in the text in a row; where two answers could be meant, the longer
one is ("new york city" does not name "New York").

What this cannot see: negation ("surely not the attic" names the attic), another wording of an
answer than the known ones, and that a short answer can also be an ordinary word ("no doubt" names
the answer "no"). An answer that is nothing but an article, such as the letter "A", is never named.
"""

from __future__ import annotations

from collections.abc import Collection

from saysel.overlap import Tokens, tokens

ARTICLES = frozenset({"a", "an", "the"})


def words(text: str) -> Tokens:
    """What of a text is compared."""
    return tuple(word for word in tokens(text) if word not in ARTICLES)


def named(text: str, known: Collection[Tokens]) -> list[Tokens]:
    """The known answers that a text names, each once, in their order in the text.

    Args:
        text: any text.
        known: answers as `words` gives them; the empty one is never named.
    """
    said = words(text)
    longest = max(map(len, known), default=0)
    found: dict[Tokens, None] = {}
    place = 0
    while place < len(said):
        for size in range(min(longest, len(said) - place), 0, -1):
            if said[place : place + size] in known:
                found[said[place : place + size]] = None
                place += size
                break
        else:
            place += 1
    return list(found)
