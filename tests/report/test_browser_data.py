from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from saysel.report import ordered
from saysel.report.browser import payload, script_json


@given(st.recursive(st.text() | st.none() | st.integers(), lambda inner: st.lists(inner)))
def test_json_in_a_script_says_the_same_and_can_not_leave_it(data):
    text = script_json(data)
    assert json.loads(text) == data
    assert not set(text) & set("<>&\u2028\u2029")


def test_the_data_holds_every_prediction(make_report):
    report = make_report()
    rows = ordered(report.rows)
    data = payload(report, rows)
    strings = data["strings"]
    assert len(strings) == len(set(strings))
    for row, columns in zip(rows, data["rows"], strict=True):
        for i, p in enumerate(row.predictions):
            id, prompt, answers, _ = data["questions"][columns["q"][i]]
            assert strings[id] == p.question_id
            assert strings[prompt] == report.questions[p.question_id].prompt
            assert [strings[a] for a in answers] == list(report.questions[p.question_id].answers)
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


def test_a_question_that_is_not_given_goes_by_its_id(make_report):
    report = make_report(questions={})
    data = payload(report, ordered(report.rows))
    id, prompt, answers, _ = data["questions"][0]
    assert id == prompt and answers == []
