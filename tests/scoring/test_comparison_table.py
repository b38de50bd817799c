from __future__ import annotations

from dataclasses import replace

import pytest

from saysel.scoring.comparison_table import row
from tests.support.comparisons import ALL, BETTER, COUNT, EMPTY, UNSURE, WORSE


def test_a_difference_as_text():
    assert row(BETTER) == (
        *("brier", "0.300", "0.200", "−0.100", "−0.150 to −0.050", "100.0%", "0.002"),
        "✓ better",
    )
    assert row(WORSE)[-3:] == ("0.0%", "< 0.001", "✗ worse")
    assert row(UNSURE)[3:] == ("+0.010", "−0.100 to +0.120", "40.0%", "0.800", "unclear")
    assert row(COUNT)[1:] == ("3", "11", "+8", "+8 to +8", "–", "–", "")
    assert row(EMPTY) == ("auroc", "–", "0.500", "–", "–", "–", "–", "")


def test_the_summary_says_what_was_compared():
    assert ALL.summary() == (
        "100 questions are shared (old has 120, new has 100, other has 100); "
        "10 of them were not judged for all and are left out"
    )
    text = str(ALL)
    assert text.count("before: old\nafter:  ") == 2
    assert len({line.index("difference") for line in text.splitlines() if "metric" in line}) == 2


def test_missing_confidences_and_clusters_are_reported():
    one = replace(BETTER, worst=0.25)
    made = replace(ALL, missing={"old": 0, "new": 7, "other": 0}, clusters=12, differences=(one,))
    assert made.summary().endswith("; they belong to 12 clusters, which are resampled whole")
    text = str(made)
    assert "Without a confidence (old: 0, new: 7, other: 0)" in text
    assert "missing at worst" in text and "+0.250  unclear" in text
    assert "missing at worst" not in str(ALL)


def test_too_few_resamples_are_reported():
    assert "No difference can be significant" not in str(ALL)
    few = replace(ALL, resamples=100)
    assert few.resamples_needed == 120  # 3 tests
    assert "at least 120 resamples, and there were 100" in str(few)


def test_what_rounds_to_zero_has_no_sign():
    tiny = replace(WORSE, difference=-0.0001, low=-0.0004, high=0.0003)
    assert row(tiny)[3:5] == ("0.000", "0.000 to 0.000")
    assert row(tiny)[-1] == "unclear"


@pytest.mark.parametrize("room", [200, 100, 80, 40, 30])
def test_tables_fit_the_terminal_without_breaking_words(room):
    whole, narrow = str(ALL), "\n".join(ALL.lines(room))

    assert max(map(len, narrow.splitlines())) <= room
    words = {word.strip(",") for word in whole.split()}
    assert words - {word.strip(",") for word in narrow.split()} <= {"metric"}
    assert ("brier  ✓ better\n  before 0.300, " in narrow) == (room < 90)


def test_a_notebook_shows_a_table_per_method():
    html = replace(ALL, reference="<old>")._repr_html_()
    assert html.count("<table>") == 2 and "&lt;old&gt;" in html and "<old>" not in html
    assert '<td style="text-align: left">✓ better</td>' in html
    assert 'title="Mean squared difference between confidence and correctness."' in html
