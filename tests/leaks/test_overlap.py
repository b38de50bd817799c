from __future__ import annotations

import random
import string
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.leaks.overlap import THRESHOLD, Overlap, content, overlaps, shingles, tokens

#: A question long enough for one other word not to make it another one.
LONG = (
    "A farmer has twelve sheep and buys five more on Monday, sells three of them on Friday to his "
    "neighbour, and finds that two have run away over the weekend. How many sheep are left?"
)
WORDS = ("the", "a", "cat", "Dog", "7", "+", "-", "é", "1,000", "not")
sentences = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)


def how(one: str, other: str) -> str | None:
    """In which way two texts say the same, if they do."""
    found = list(overlaps([one], [other]))
    assert len(found) <= 1
    assert [o._replace(one=0, other=0) for o in overlaps([other], [one])] == found
    return found[0].how if found else None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Where is Oslo?", "Where is Oslo?", "exact"),
        ("Where is Oslo?", "  where is OSLO", "exact"),
        ("Where is the café?", "Where is the cafe", "exact"),
        ("Is 1,000 a square?", "is 1000 a square?", "exact"),
        ("What is −3 squared?", "What is \u20113 squared?", "exact"),
        ("Who were well-known in 1939-45?", "Who were well\u2011known in 1939–45?", "exact"),
        ("What is France's capital?", "What is the capital of France?", "words"),
        ("What field does Ada work in?", "In what field does Ada work?", "words"),
        ("Which city is it?", "What city is it?", "words"),
        (LONG, LONG.replace("twelve", "thirteen"), "near"),
        (LONG, LONG.replace("How many", "How very many"), "near"),
        # What carries meaning makes another question.
        ("Where is Oslo?", "Where is Bergen?", None),
        ("Who wrote Hamlet?", "When wrote Hamlet?", None),
        ("Is Oslo large?", "Is Oslo not large?", None),
        ("Flights to Rome", "Flights from Rome", None),
        ("What is 2 + 2?", "What is 2 - 2?", None),
        ("What is -3 squared?", "What is 3 squared?", None),
        ("What is 3.5?", "What is 35?", None),
        ("In which country is the Eiffel tower?", "In which country is the Pisa tower?", None),
        # Words that bind are not enough to be the same.
        ("What is it?", "Which is that?", None),
        ("", "the", None),
        ("東京はどこですか", "大阪はどこですか", None),
        ("😀?", "😡?", None),
    ],
)
def test_what_says_the_same(one: str, other: str, same: str | None) -> None:
    assert how(one, other) == same


def test_repetition_is_no_resemblance() -> None:
    once = "Felix says the violin is in the attic. Where is the violin?"
    twice = (
        f"Felix says the violin is in the attic. Omar says the violin is in the attic. {once[39:]}"
    )

    assert how(once, twice) is None


def test_only_the_same_words_where_nothing_else_is_asked_for() -> None:
    ones, others = ["Where is Oslo?", "Oslo is where?"], ["where is Oslo"]

    assert list(overlaps(ones, others, near=False)) == [Overlap(0, 0, "exact", 1.0)]
    assert len(list(overlaps(ones, others))) == 2


def test_every_pair_is_found() -> None:
    found = list(overlaps(["Oslo?", "Rome?", "oslo"], ["Rome", "Oslo", "Bern", "OSLO!"]))

    assert sorted(o[:2] for o in found) == [(0, 1), (0, 3), (1, 0), (2, 1), (2, 3)]


@given(ones=st.lists(sentences, max_size=4), others=st.lists(sentences, max_size=4))
def test_it_finds_what_comparing_all_pairs_finds(ones: list[str], others: list[str]) -> None:
    wanted: dict[tuple[int, int], str] = {}
    for i, one in enumerate(map(tokens, ones)):
        for j, other in enumerate(map(tokens, others)):
            if one == other:
                wanted[i, j] = "exact"
            elif content(one) == content(other):
                wanted[i, j] = "words"
    found = {(o.one, o.other): o.how for o in overlaps(ones, others) if o.how != "near"}

    assert found == wanted
    assert all(0 <= o.similarity <= 1 for o in overlaps(ones, others))


@given(st.text())
def test_a_text_is_itself_whatever_it_is(text: str) -> None:
    assert how(text, text) == "exact"
    assert how(text, f"  {text.lower()}\n") in ("exact", None)  # "İ" is two letters in lower case


def test_near_ones_are_found_among_many() -> None:
    """Against the exact similarity of all pairs: texts with some of their words replaced."""
    rng = random.Random(0)
    words = ["".join(rng.choices(string.ascii_lowercase, k=4)) for _ in range(300)]
    ones = [rng.choices(words, k=60) for _ in range(60)]
    others = [[rng.choice(words) if rng.random() < 0.02 else w for w in one] for one in ones * 3]
    wanted = set()
    for i, one in enumerate(ones):
        for j, other in enumerate(others):
            a, b = shingles(tuple(one)), shingles(tuple(other))
            if len(a & b) / len(a | b) >= THRESHOLD and one != other:
                wanted.add((i, j))

    found = list(overlaps([" ".join(one) for one in ones], [" ".join(other) for other in others]))

    assert len(wanted) > 50
    assert {(o.one, o.other) for o in found if o.how == "near"} == wanted


@pytest.mark.parametrize(
    "end", ["", " Think about it step by step, then answer with one word." * 9]
)
def test_what_all_questions_share_makes_no_two_the_same(end: str) -> None:
    """A long instruction around different questions; the same ones are found."""
    start = " ".join(f"instruction{n}" for n in range(150))
    ones = [f"{start} Where is tower {n} of city {n % 7}?{end}" for n in range(20)]
    others = [f"{start} Who built bridge {n}?{end}" for n in range(2000)]
    ones[7] = f"{start} {LONG}{end}"
    others[5] = ones[7].replace("twelve", "thirteen")
    others[6] = ones[3]

    found = sorted(overlaps(ones, others))

    assert [(o.one, o.other, o.how) for o in found] == [(3, 6, "exact"), (7, 5, "near")]


def test_one_word_in_25_is_the_limit() -> None:
    words = [f"word{n}" for n in range(25)]
    other = [*words[:12], "else", *words[13:]]

    assert how(" ".join(words), " ".join(other)) == "near"
    assert how(" ".join(words[1:]), " ".join(other[1:])) is None
    # A word at the end counts as much as one in the middle.
    assert how(" ".join(words[1:]), " ".join([*words[1:-1], "else"])) is None


def test_hashing_is_loaded_only_where_there_is_something_to_hash() -> None:
    code = (
        "import sys\nfrom saysel.leaks.overlap import overlaps\n"
        "assert not list(overlaps(['Where is Oslo?'], ['Where is Bern?'] * 100))\n"
        "assert 'datasketch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
