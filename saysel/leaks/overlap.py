"""Texts that duplicate a text of another set, word for word or nearly.

Texts are compared as words in lower case, without accents and punctuation; signs with a meaning
(`+`, `%`, a minus before a digit) are kept. Two texts overlap, tested in this order, as

    exact    the same words in the same order;
    words    the same words in any order, ignoring function words (`STOP`): "What is France's
             capital?" and "What is the capital of France?";
    near     Jaccard similarity of at least 0.8 between their runs of three consecutive words,
             padded at the ends, so that texts with one different word overlap only if they have 25
             words or more.

Runs that more than half of the texts have, such as those of instructions or worked examples in
front of every question, are left out of `near`: what all questions share makes no two the same.

A different name or number therefore makes a short question a different one, as it should: short
questions made from one template are not duplicates.

Source of `near`: Broder 1997, "On the resemblance and containment of documents"; MinHash with
bands as in Lee et al. 2022 (arXiv 2107.06499), with the same threshold. Candidates are
verified with the exact similarity; a pair at the threshold is missed with probability 0.002, one
above .85 with less than 1 in 10,000.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

#: Function words, which do not distinguish questions. Prepositions and negations do.
STOP = frozenset(
    (
        *("a", "an", "the", "is", "are", "was", "were", "be", "been", "being", "do", "does"),
        *("did", "has", "have", "had", "of", "s", "that", "there", "it", "its", "what"),
        *("which", "please"),
    )
)
THRESHOLD = 0.8
#: Number of words in a shingle.
WIDTH = 3
#: With fewer texts, no run is left out for being common.
MANY = 10
#: Number of bands of the MinHash signature, and of rows in each.
BANDS, ROWS = 21, 6

WORD = re.compile(r"\w+|-(?=\s?\d)|[^\w\s]")
#: A dash before a number may be a minus sign: it is the same whatever character it is.
DASHES = str.maketrans("−‐–—", "----")

How = Literal["exact", "words", "near"]
Tokens = tuple[str, ...]
Shingles = frozenset[Tokens]


class Overlap(NamedTuple):
    """A text of the first set that duplicates one of the second.

    Attributes:
        one, other: their indices.
        how: see the module.
        similarity: Jaccard similarity of what was compared; 1 unless `near`.
    """

    one: int
    other: int
    how: How
    similarity: float


def tokens(text: str) -> Tokens:
    """The words of a text, and the signs that have a meaning."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).translate(DASHES)
        text = "".join(mark for mark in text if not unicodedata.combining(mark))
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text.casefold())  # 1,000 is 1000
    return tuple(token for token in WORD.findall(text) if _has_meaning(token))


def _has_meaning(token: str) -> bool:
    first = token[0]
    if len(token) > 1 or first.isalnum() or first in "-%*/#&@":
        return True
    return unicodedata.category(first) in ("Sm", "Sc", "So", "Lo")


def content(words: Tokens) -> Tokens:
    """The words that are not in `STOP`, sorted; all words if there are none."""
    return tuple(sorted(word for word in words if word not in STOP)) or words


def shingles(words: Tokens) -> Shingles:
    """All runs of `WIDTH` words, including those padded at the ends.

    A repeated run is a different member of the set, so that repetition does not add similarity.
    """
    padded = ("",) * (WIDTH - 1) + words + ("",) * (WIDTH - 1)
    counts: dict[Tokens, int] = {}
    runs = []
    for run in zip(*(padded[start:] for start in range(WIDTH)), strict=False):
        repeated = counts.get(run, 0)
        counts[run] = repeated + 1
        runs.append((*run, str(repeated)) if repeated else run)
    return frozenset(runs)


def overlaps(ones: Sequence[str], others: Iterable[str], near: bool = True) -> Iterator[Overlap]:
    """Every pair of duplicates in the two sets, in no particular order.

    Args:
        ones: the smaller set; it is kept in memory.
        others: the larger one, read once.
        near: whether `words` and `near` are searched for, or only `exact`.
    """
    texts = [tokens(text) for text in ones]
    exact = _indices(texts)
    bags = _indices(map(content, texts)) if near else {}
    runs = [shingles(words) for words in texts] if near else []
    shared = _shared(runs)
    runs = [run - shared for run in runs]
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
        # Most texts share too few runs with all of `ones` together to be worth hashing.
        run = shingles(words) - shared
        if run and not same and not alike and len(run & known) >= THRESHOLD * len(run):
            candidates.append((other, run))
    if candidates:
        yield from _near(runs, candidates)


def _indices(texts: Iterable[Tokens]) -> dict[Tokens, list[int]]:
    indices: dict[Tokens, list[int]] = {}
    for index, words in enumerate(texts):
        indices.setdefault(words, []).append(index)
    return indices


def _shared(runs: Sequence[Shingles]) -> Shingles:
    """The runs that more than half of the texts have, if there are many texts."""
    if len(runs) < MANY:
        return frozenset()
    counts = Counter(run for one in runs for run in one)
    return frozenset(run for run, count in counts.items() if count > len(runs) / 2)


def _near(
    runs: Sequence[Shingles], candidates: Sequence[tuple[int, Shingles]]
) -> Iterator[Overlap]:
    from datasketch import MinHash, MinHashLSH

    def signatures(sets: Iterable[Shingles]) -> Iterator[MinHash]:
        encoded = ([" ".join(run).encode(errors="replace") for run in one] for one in sets)
        yield from MinHash.generator(encoded, num_perm=BANDS * ROWS)

    index = MinHashLSH(num_perm=BANDS * ROWS, params=(BANDS, ROWS))
    for one, signature in enumerate(signatures(runs)):
        index.insert(one, signature)
    for (other, run), signature in zip(
        candidates, signatures(run for _, run in candidates), strict=True
    ):
        for one in sorted(index.query(signature)):
            similarity = len(runs[one] & run) / len(runs[one] | run)
            if similarity >= THRESHOLD:
                yield Overlap(one, other, "near", similarity)
