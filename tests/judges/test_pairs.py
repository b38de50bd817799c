"""How often `match` agrees with a person, on pairs that a person looked at.

The rules were written with all kinds in view but `fresh`, which was written last, in the ways
that models answer, and changed no rule.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

from docs.generate import ROOT
from saysel.judges.match import matches

PAIRS = Path(__file__).with_name("pairs.csv")


def measured() -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Pairs, wrong answers taken for right ones, and the reverse, by kind."""
    pairs, too_kind, too_strict = Counter[str](), Counter[str](), Counter[str]()
    with PAIRS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, strict=True):
            assert row["correct"] in ("0", "1") and None not in row.values(), row
            pairs[row["kind"]] += 1
            found, right = matches(row["accepted"].split("|"), row["answer"]), row["correct"] == "1"
            too_kind[row["kind"]] += found and not right
            too_strict[row["kind"]] += right and not found
    return pairs, too_kind, too_strict


def test_the_documented_agreement_is_the_measured_one() -> None:
    pairs, too_kind, too_strict = measured()
    page = (ROOT / "docs" / "reference" / "judge.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| ([a-z -]+) \| (\d+) \| (\d+) \| (\d+) \|", page, re.MULTILINE)

    assert [(kind, *map(int, numbers)) for kind, *numbers in told] == [
        (kind, pairs[kind], too_kind[kind], too_strict[kind]) for kind in pairs
    ]
    assert sum(pairs.values()) >= 300
    agreed = 1 - (too_kind.total() + too_strict.total()) / pairs.total()
    assert f"{agreed:.1%} of {pairs.total()} pairs" in page
    fresh = 1 - (too_kind["fresh"] + too_strict["fresh"]) / pairs["fresh"]
    assert f"{fresh:.0%} of the {pairs['fresh']}" in page


def test_no_pair_is_there_twice() -> None:
    lines = PAIRS.read_text(encoding="utf-8").splitlines()
    assert len({line.partition(",")[2] for line in lines}) == len(lines)
