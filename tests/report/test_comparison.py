from __future__ import annotations

import csv
import re
from dataclasses import replace

import pytest

from saysel.report.comparison import about, cells, comparison_csv, forest, page, plain_tables, write
from saysel.scoring.comparison import Comparison
from saysel.scoring.differences import Difference

BETTER = Difference("new", "brier", "lower", 0.3, 0.2, -0.1, -0.15, -0.05, 1.0, 0.001, 0.002)
WORSE = Difference("new", "auroc", "higher", 0.8, 0.7, -0.1, -0.15, -0.05, 0.0, 0.0001, 0.0004)
UNSURE = Difference("new", "nll", "lower", 0.5, 0.51, 0.01, -0.1, 0.12, 0.4, 0.8, 0.8)
COUNT = Difference("new", "distinct_confidences", "neither", 3.0, 11.0, 8.0, 8.0, 8.0, None, None)
EMPTY = Difference("other", "auroc", "higher", None, 0.5, None, None, None, None, None)
ALL = Comparison(
    "old",
    90,
    10,
    {"old": 120, "new": 100, "other": 100},
    {"old": 0, "new": 0, "other": 0},
    None,
    10_000,
    (BETTER, WORSE, UNSURE, COUNT, EMPTY),
)


def test_a_difference_in_words():
    assert cells(BETTER) == (
        *("brier", "0.300", "0.200", "−0.100", "−0.150 to −0.050", "100.0%", "0.002"),
        "✓ better",
    )
    assert cells(WORSE)[-3:] == ("0.0%", "< 0.001", "✗ worse")
    assert cells(UNSURE)[3:] == ("+0.010", "−0.100 to +0.120", "40.0%", "0.800", "unclear")
    assert cells(COUNT)[1:] == ("3", "11", "+8", "+8 to +8", "–", "–", "")
    assert cells(EMPTY) == ("auroc", "–", "0.500", "–", "–", "–", "–", "")


def test_what_was_compared_is_said():
    assert about(ALL) == (
        "100 questions are shared (old has 120, new has 100, other has 100); "
        "10 of them were not judged for all and are left out"
    )
    text = plain_tables(ALL)
    assert text.count("before: old\nafter:  ") == 2
    assert len({line.index("difference") for line in text.splitlines() if "metric" in line}) == 2


def test_the_csv_has_every_number(tmp_path):
    write(ALL, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"comparison.csv", "index.html"}
    rows = list(csv.DictReader(comparison_csv(ALL).splitlines()))
    assert [(row["method"], row["metric"]) for row in rows][-1] == ("other", "auroc")
    assert rows[0]["p_holm"] == "0.002"
    assert rows[-1]["before"] == "" and rows[-1]["after"] == "0.5"


def test_missing_confidences_and_clusters_are_said():
    one = replace(BETTER, worst=0.25)
    made = replace(ALL, missing={"old": 0, "new": 7, "other": 0}, clusters=12, differences=(one,))
    assert about(made).endswith("; they belong to 12 clusters, which are resampled whole")
    text = plain_tables(made)
    assert "Without a confidence (old: 0, new: 7, other: 0)" in text
    assert "missing at worst" in text and "+0.250  unclear" in text
    assert "missing at worst" in page(made) and "missing at worst" not in plain_tables(ALL)


def test_too_few_resamples_are_said():
    assert "No difference can be certain" not in plain_tables(ALL)
    few = replace(ALL, resamples=100)
    assert few.resamples_needed == 120  # 3 tests
    for text in (plain_tables(few), page(few)):
        assert "at least 120 resamples, and there were 100" in text


def test_what_rounds_to_zero_has_no_sign():
    tiny = replace(WORSE, difference=-0.0001, low=-0.0004, high=0.0003)
    assert cells(tiny)[3:5] == ("0.000", "0.000 to 0.000")
    assert cells(tiny)[-1] == "unclear"


def test_the_figure_turns_better_to_the_right():
    figure = forest("new", [BETTER, WORSE, COUNT])
    zero = float(re.search(r'<line x1="([\d.]+)"[^>]*class="ideal"', figure.body)[1])
    better, worse = (float(x) for x in re.findall(r'cx="([\d.]+)"', figure.body))
    assert worse < zero < better  # what has no direction is not drawn
    assert forest("other", [EMPTY]).body  # nothing to draw is no trouble


def test_the_page_names_every_method():
    html = page(ALL)
    assert html.count("<section") == 2 and "Compared with old" in html
    assert '<span class="change better">✓ better</span></td>' in html


@pytest.mark.parametrize("room", [200, 100, 80, 40, 30])
def test_tables_fit_the_terminal_without_breaking_words(room):
    whole, narrow = plain_tables(ALL), plain_tables(ALL, room)

    assert max(map(len, narrow.splitlines())) <= room
    words = {word.strip(",") for word in whole.split()}
    assert words - {word.strip(",") for word in narrow.split()} <= {"metric"}
    assert ("brier  ✓ better\n  before 0.300, " in narrow) == (room < 90)
