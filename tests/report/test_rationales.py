from __future__ import annotations

import json
from typing import Any

from saysel.faithfulness.measures import Measured
from saysel.records import Score
from saysel.report import Rationales, Report, ordered
from saysel.report.data_files import metrics_json
from saysel.report.figures import figures
from saysel.report.glance import Entry
from saysel.report.page import page
from saysel.report.rationales import section, shown_name


def rationales(model: str = "sft", cell: str = "", ungraded: int = 0) -> Rationales:
    measured = (
        Measured(Score("mention_recall", 0.5, 0.4, 0.6), 30),
        Measured(Score("mention_precision", None, None, None), 0),
        Measured(Score("rationale_swap_brier", -0.01, -0.02, 0.0), 28),
    )
    return Rationales(cell, model, "heldout", 60, 58, 20, 0, ungraded, measured)


def test_names_of_measures_are_shown_as_words() -> None:
    assert shown_name("mention_recall") == "Mention recall"
    assert shown_name("some_brier") == "Some Brier"


def test_a_line_per_measure_and_a_column_per_model() -> None:
    found = section([rationales(), rationales("ppo", cell="seed=1")])

    assert found is not None
    assert [column["name"] for column in found["columns"]] == ["sft", "seed=1 · ppo"]
    assert found["samples"] == [20]
    recall, precision, brier = found["lines"]
    assert recall["entries"][0] == (Entry("0.500", "0.400 – 0.600"), "30 questions")
    assert precision["entries"][1] == (Entry("–", ""), "")
    assert brier["entries"][0][0].value == "\u22120.010"
    assert (recall["arrow"], brier["arrow"]) == ("↑", "")


def drawn(report: Report) -> str:
    rows = ordered(report.rows)
    return page(report, rows, figures(rows))


def test_the_section_is_there_only_where_something_was_measured(make_report: Any) -> None:
    assert section([]) is None
    assert 'id="rationales"' not in drawn(make_report())

    html = drawn(make_report(rationales=(rationales("<b>sft</b>", ungraded=4),)))
    assert 'href="#rationales"' in html and html.count('id="rationales"') == 1
    assert "4 grades could not be parsed" in html
    assert "58 of 60 replies have a rationale" in html
    assert "&lt;b&gt;sft" in html and "<b>sft" not in html


def test_programs_find_the_measures_next_to_the_rows(make_report: Any) -> None:
    rows = make_report().rows
    assert "faithfulness" not in json.loads(metrics_json("mine", rows))

    (found,) = json.loads(metrics_json("mine", rows, [rationales()]))["faithfulness"]
    assert {key: found[key] for key in ("cell", "model", "n", "rationales", "samples")} == {
        **{"cell": "", "model": "sft", "n": 60, "rationales": 58, "samples": 20}
    }
    assert found["metrics"]["mention_recall"] == {
        **{"value": 0.5, "low": 0.4, "high": 0.6, "used": 30}
    }
    assert found["metrics"]["mention_precision"]["value"] is None
