from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from saysel.records import Score
from saysel.report import ordered
from saysel.report.figures import colours, figures, metric_slug, slugs
from saysel.report.figures.curves import BINS
from saysel.report.figures.reliability import SIDE, brief_count
from saysel.report.figures.summary import summary

SVG = "{http://www.w3.org/2000/svg}"


def test_every_figure_is_xml_without_stray_numbers(make_report, hostile_report):
    for report in (make_report(), hostile_report):
        rows = ordered(report.rows)
        drawn = figures(rows)
        metrics = {score.metric for row in rows for score in row.scores}
        assert len(drawn) == 2 * len(rows) + 1 + len(metrics)
        for figure in drawn.values():
            ElementTree.fromstring(figure.standalone().encode(errors="replace"))
            assert "nan" not in figure.body and "inf" not in figure.body


def test_the_diagram_counts_its_bins(make_report):
    row = make_report.row("base", "verbalized")
    figure = figures([row])["reliability-heldout-base-verbalized"]
    tips = [t.text for t in ElementTree.fromstring(figure.inline()).iter(f"{SVG}title")]
    # 60 questions, every third wrong at 0.2, the others right at 0.8; 7, 27 and 47 not stated.
    assert [tip.split(",")[0] for tip in tips] == [
        "confidence 20% to 30%: 19 answers",
        "confidence 80% to 90%: 38 answers",
    ]
    assert "100% correct" in tips[1] and " 0% correct" in tips[0]


def test_nothing_stated_and_nothing_at_all_are_drawn_too(make_report):
    row = make_report.row("base", "verbalized", n=4)
    silent = replace(row, predictions=tuple(replace(p, confidence=None) for p in row.predictions))
    empty = replace(row, predictions=(), scores=(Score("ece", None, None, None),), n=0)
    assert "no confidence stated" in figures([silent])["reliability-heldout-base-verbalized"].body
    assert figures([empty])["summary-heldout-ece"].body
    assert figures([]) == {}


def test_a_model_keeps_its_colour_and_the_limit_its_own(make_report):
    colour = colours(ordered(make_report().rows))
    assert colour == {"base": "m0", "ppo": "m1", "ideal": "limit"}


def test_file_names_are_unique_and_harmless(make_report, hostile_report):
    row = make_report.row("a/b", "../x")
    first, second = slugs([row, row])
    assert first.startswith("heldout-a-b-..-x-") and second == f"{first}-1"
    assert metric_slug("ece") == "ece" and metric_slug("a/b") != metric_slug("a b")
    names = figures(list(hostile_report.rows))
    assert all(re.fullmatch(r"[\w.=-]{1,120}", name) for name in names)


def test_equal_values_still_get_a_scale(make_report):
    row = replace(make_report.row("base", "v", n=3), scores=(Score("m", 1.0, 1.0, 1.0),))
    texts = [t.text for t in ElementTree.fromstring(summary("m", [row], {"base": "m0"}).inline())]
    ticks = [t for t in texts if t and t.replace(".", "").isdigit()]
    assert len(ticks) == len(set(ticks)) and len(ticks) >= 3


def test_the_summary_shows_the_limit_across_all_rows(make_report):
    rows = ordered(make_report().rows)
    figure = summary("accuracy", rows, colours(rows))
    classes = [e.get("class") for e in ElementTree.fromstring(figure.inline()).iter(f"{SVG}line")]
    assert classes.count("ideal") == 1 and classes.count("whisker") == len(rows)


@pytest.mark.parametrize("model", ["ppo", "gpt-4o-mini_triviaqa_validation_predictions.csv"])
def test_names_of_rows_begin_inside_the_summary(make_report, model):
    row = make_report.row(model, "confidence")
    svg = ElementTree.fromstring(summary("accuracy", [row], {model: "m0"}).inline())
    (name,) = (t for t in svg.iter(f"{SVG}text") if "…" in t.text or "·" in t.text)
    # 14: the size on narrow screens, in page.css.
    assert float(name.get("x")) - 0.52 * 14 * len(name.text) >= 0


#: Widths of characters in ems, of a common sans-serif font.
EMS = {".": 0.28, "k": 0.5, "M": 0.84}


@given(n=st.integers(0, 99_000_000))
@example(999)
@example(9_949)
@example(9_950)
@example(999_499)
@example(999_500)
def test_counts_above_neighbouring_bins_do_not_touch(n: int) -> None:
    shown = brief_count(n)

    ems = sum(EMS.get(character, 0.556) for character in shown)
    assert ems * 9 < SIDE / BINS  # 9: the size in figures.css
    value = float(shown.rstrip("kM")) * {"k": 1e3, "M": 1e6}.get(shown[-1], 1)
    assert value == pytest.approx(n, rel=0.06)
