from __future__ import annotations

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from saysel.records import Question
from saysel.report import browser, ordered
from saysel.report.browser import payload, sampled, script_json
from saysel.report.data_files import predictions_csv
from saysel.report.figures import figures
from saysel.report.page import page


@given(st.recursive(st.text() | st.none() | st.integers(), lambda inner: st.lists(inner)))
def test_json_in_a_script_says_the_same_and_can_not_leave_it(data):
    text = script_json(data)
    assert json.loads(text) == data
    assert not set(text) & set("<>&\u2028\u2029")


def test_the_data_contains_every_prediction(make_report):
    report = make_report()
    rows = ordered(report.rows)
    data = payload(report, rows)
    strings = data["strings"]
    assert len(strings) == len(set(strings))
    for row, columns in zip(rows, data["rows"], strict=True):
        for i, p in enumerate(row.predictions):
            id, prompt, answers, _ = data["questions"][columns["q"][i]]
            assert strings[id] == p.question_id
            question = report.questions[row.cell][p.question_id]
            assert strings[prompt] == question.prompt
            assert [strings[a] for a in answers] == list(question.answers)
            assert strings[columns["a"][i]] == p.answer
            assert strings[columns["r"][i]] == p.rationale
            assert (columns["c"][i], columns["y"][i]) == (p.confidence, p.correct)
            shares = columns["s"][i]
            assert {
                strings[k]: v for k, v in zip(shares[::2], shares[1::2], strict=True)
            } == p.shares
            # The whole response only where a part of it could not be read.
            assert (columns["t"][i] >= 0) == (p.confidence is None)


def test_the_last_trained_model_shows_first(make_report):
    report = make_report()
    rows = ordered(report.rows)
    assert rows[payload(report, rows)["start"]].model == "ppo"


def test_one_id_is_another_question_in_another_cell(make_report):
    other = {"q0": Question("q0", "Who took the medal?", ("Nora",))}
    report = make_report(
        rows=tuple(make_report.row("base", "verbalized", 1, cell) for cell in "abc"),
        questions={"a": make_report.questions(1), "b": other, "c": make_report.questions(1)},
        clusters={"c": {"q0": [("place 0", 1.0)]}, "b": {"q0": [("Nora", 1.0)]}},
    )
    data = payload(report, report.rows)
    shown = [
        [data["strings"][text] for text in (prompt, *answers, shares[0])]
        for _, prompt, answers, shares in data["questions"]
    ]
    assert shown == [
        ["Where is the lantern 0?", "place 0", "place 0"],
        ["Who took the medal?", "Nora", "Nora"],
    ]
    assert [row["q"] for row in data["rows"]] == [[0], [1], [0]]
    lines = list(csv.DictReader(io.StringIO(predictions_csv(report.rows, report.questions))))
    assert [line["prompt"] for line in lines] == [shown[0][0], shown[1][0], shown[0][0]]


def test_a_question_that_is_not_given_goes_by_its_id(make_report):
    report = make_report(questions={})
    data = payload(report, ordered(report.rows))
    id, prompt, answers, _ = data["questions"][0]
    assert id == prompt and answers == []


def test_a_large_page_contains_a_sample_and_says_so(make_report, monkeypatch):
    monkeypatch.setattr(browser, "MAX_QUESTIONS", 40)
    report = make_report()
    rows, count = sampled(report.rows)
    assert count == 60
    kept = [[p.question_id for p in row.predictions] for row in rows]
    assert all(ids == kept[0] for ids in kept) and len(set(kept[0])) == 40
    html = page(report, report.rows, figures(report.rows))
    assert "A random sample of 40 of 60 questions" in html
    assert "60 questions of the split" in html  # numbers are about all
    monkeypatch.undo()
    assert sampled(report.rows) == (list(report.rows), 60)
    assert "A random sample" not in page(report, report.rows, figures(report.rows))


def test_many_rows_make_the_sample_smaller(make_report, monkeypatch):
    monkeypatch.setattr(browser, "MAX_PREDICTIONS", 2_000)
    row = make_report.row("base", "verbalized", n=1500)
    rows, count = sampled([row] * 4)
    assert count == 1500 and {len(one.predictions) for one in rows} == {1000}
