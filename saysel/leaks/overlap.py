"""Which texts say the same as texts of another set: the same words, or nearly the same.

A text is read as its words in lower case, without accents and punctuation; signs that carry
meaning (`+`, `%`, a minus before a digit) stay. Against another text it is, in this order,

    exact    the same words in the same order;
    words    the same words in any order, those aside that ask or bind (`STOP`): "What is France's
             capital?" and "What is the capital of France?";
    near     Jaccard similarity of at least 0.8 between their runs of three consecutive words,
             ends included, so that one word replaced shows only in texts of 25 words and more.

A name or number that differs therefore makes a short question another one, as it should: short
questions made from one template are not duplicates of each other.

Source of `near`: Broder 1997, "On the resemblance and containment of documents"; MinHash with
bands as in Lee et al. 2022 (arXiv 2107.06499), whose threshold is ours too. Candidates are
verified with the exact similarity; a pair at the threshold is missed with probability 0.002, one
above .85 with less than 1 in 10,000.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

#: Words that ask or bind and carry nothing of what is asked. Prepositions and negations do.
STOP = frozenset(
    (
        *("a", "an", "the", "is", "are", "was", "were", "be", "been", "being", "do", "does"),
        *("did", "has", "have", "had", "of", "s", "that", "there", "it", "its", "what"),
        *("which", "please"),
    )
)
THRESHOLD = 0.8
#: Words in a shingle.
WIDTH = 3
#: Bands of rows of the MinHash signature.
BANDS, ROWS = 21, 6

WORD = re.compile(r"\w+|[-−](?=\s?\d)|[^\w\s]")

How = Literal["exact", "words", "near"]
Tokens = tuple[str, ...]
Shingles = frozenset[Tokens]


class Overlap(NamedTuple):
    """A text of the one set that says the same as one of the other.

    Attributes:
        one, other: their places.
        how: see the module.
        similarity: Jaccard similarity of what was compared; 1 unless `near`.
    """

    one: int
    other: int
    how: How
    similarity: float


def tokens(text: str) -> Tokens:
    """The words of a text, and the signs that carry meaning."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = "".join(mark for mark in text if not unicodedata.combining(mark))
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text.casefold())  # 1,000 is 1000
    return tuple(token for token in WORD.findall(text) if _means(token))


def _means(token: str) -> bool:
    first = token[0]
    if len(token) > 1 or first.isalnum() or first in "-−%*/#&@":
        return True
    return unicodedata.category(first) in ("Sm", "Sc", "So", "Lo")


def content(words: Tokens) -> Tokens:
    """What is left without `STOP`, sorted; everything, where nothing would be left."""
    return tuple(sorted(word for word in words if word not in STOP)) or words


def shingles(words: Tokens) -> Shingles:
    """All runs of `WIDTH` words, those that reach over the ends included.

    A run that occurs again is another member of the set: repetition is no resemblance.
    """
    padded = ("",) * (WIDTH - 1) + words + ("",) * (WIDTH - 1)
    counted: dict[Tokens, int] = {}
    found = []
    for run in zip(*(padded[start:] for start in range(WIDTH)), strict=False):
        again = counted.get(run, 0)
        counted[run] = again + 1
        found.append((*run, str(again)) if again else run)
    return frozenset(found)


def overlaps(ones: Sequence[str], others: Iterable[str], near: bool = True) -> Iterator[Overlap]:
    """Every pair of the two sets that says the same, in no particular order.

    Args:
        ones: the smaller set; it is held in memory.
        others: the larger one, read once.
        near: whether `words` and `near` are looked for, or only `exact`.
    """
    read = [tokens(text) for text in ones]
    exact = _places(read)
    bags = _places(map(content, read)) if near else {}
    runs = [shingles(words) for words in read] if near else []
    known = frozenset().union(*runs)
    candidates: list[tuple[int, Shingles]] = []
    for other, text in enumerate(others):
        words = tokens(text)
        for one in (same := exact.get(words, ())):
            yield Overlap(one, other, "exact", 1.0)
        if not near:
            continue
        alike = [one for one in bags.get(content(words), ()) if one not in same]
        for one in alike:
            yield Overlap(one, other, "words", 1.0)
        # Most texts have too few runs in common with all of `ones` together: no need to hash.
        run = shingles(words)
        if not same and not alike and len(run & known) >= THRESHOLD * len(run):
            candidates.append((other, run))
    if candidates:
        yield from _near(runs, candidates)


def _places(texts: Iterable[Tokens]) -> dict[Tokens, list[int]]:
    found: dict[Tokens, list[int]] = {}
    for place, words in enumerate(texts):
        found.setdefault(words, []).append(place)
    return found


def _near(
    runs: Sequence[Shingles], candidates: Sequence[tuple[int, Shingles]]
) -> Iterator[Overlap]:
    from datasketch import MinHash, MinHashLSH

    def signatures(sets: Iterable[Shingles]) -> Iterator[MinHash]:
        written = ([" ".join(run).encode(errors="replace") for run in one] for one in sets)
        yield from MinHash.generator(written, num_perm=BANDS * ROWS)

    index = MinHashLSH(num_perm=BANDS * ROWS, params=(BANDS, ROWS))
    for place, signature in enumerate(signatures(runs)):
        index.insert(place, signature)
    for (other, run), signature in zip(
        candidates, signatures(run for _, run in candidates), strict=True
    ):
        for one in sorted(index.query(signature)):
            similarity = len(runs[one] & run) / len(runs[one] | run)
            if similarity >= THRESHOLD:
                yield Overlap(one, other, "near", similarity)
