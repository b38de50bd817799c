from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import yaml

from saysel.records import Score
from saysel.report import Report, ordered
from saysel.report.alarms import with_alarms
from saysel.report.content import Training
from saysel.report.figures import figures, training_figures
from saysel.report.page import page
from saysel.report.run_facts import facts

VOID = {"meta", "link", "input", "br", "img"}


class Reader(HTMLParser):
    """Elements, text, and whether everything that is opened is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def drawn(report: Report) -> str:
    rows = ordered(report.rows)
    return page(report, rows, figures(rows))


def test_the_page_shows_what_was_run_and_the_results(make_report):
    report = make_report()
    reader = Reader(drawn(replace(report, rows=tuple(with_alarms(report.rows)))))
    for words in (
        "Where is the lantern?",
        "run quickstart model scratch source witness seed 0 saysel 0.1.0",
        "Before and after base · verbalized : all stated confidences are the same",
        "60 questions of the split heldout",
        "n used n missing ECE",
        "base verbalized 57 3",
        "Before base, verbalized",
        "After PPO ppo, verbalized",
        "The limit ideal observer",
        "↓ lower is better",
        "3 without confidence",
        "1 min 12 s",
        "1 234 567",
        "812 MB",
        "ab12cd34",
        "150 steps",
    ):
        assert words in reader.text
    brier = next(score for score in report.rows[-1].scores if score.metric == "brier")
    assert f"{brier.value:.3f}" in reader.text


def test_the_recipe_can_be_read_back(make_report):
    report = make_report()
    block = re.search(r"<pre[^>]*><code>(.*?)</code></pre>", drawn(report), re.S)
    assert yaml.safe_load(block[1].replace("&#39;", "'")) == report.recipe


def test_the_page_asks_for_nothing(make_report):
    html = drawn(make_report())
    for tag, attributes in Reader(html).elements:
        for name in ("src", "href", "action", "srcset", "data"):
            value = attributes.get(name)
            assert value is None or value.startswith("#") or value == "data:,", (tag, value)
        assert not any(name.startswith("on") for name in attributes)
    assert "url(" not in html and "@import" not in html
    policy = next(a["content"] for t, a in Reader(html).elements if a.get("http-equiv") is not None)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline" not in policy.split("style-src")[0]


def test_hostile_text_adds_no_element(make_report, hostile_report):
    reader = Reader(drawn(hostile_report))
    tags = [tag for tag, _ in reader.elements]
    assert tags.count("script") == 2
    assert "img" not in tags
    assert not any(name.startswith("on") for _, a in reader.elements for name in a)
    assert "49" not in next(w for w in reader.words if "7 * 7" in w)


def test_controls_have_labels_and_ids_are_unique(make_report):
    reader = Reader(drawn(make_report()))
    ids = [a["id"] for _, a in reader.elements if "id" in a]
    assert len(ids) == len(set(ids))
    targets = {a.get("for") for t, a in reader.elements if t == "label"}
    for tag, attributes in reader.elements:
        if tag == "input" and attributes.get("type") in ("radio", "number"):
            assert attributes["id"] in targets or attributes.get("aria-label")
        if tag == "a":
            assert attributes["href"][1:] in ids


def test_matrix_cells_are_shown_separately(make_report):
    rows = tuple(make_report.row("base", "verbalized", cell=f"seed={k}") for k in (0, 1))
    text = Reader(drawn(make_report(rows=rows))).text
    assert "seed=0 heldout, 60 questions" in text and "seed=1 heldout, 60 questions" in text


def test_a_report_of_nothing(make_report):
    empty = make_report(rows=(), manifest={}, recipe={}, questions={}, clusters={})
    text = Reader(drawn(empty)).text
    assert "There are no scores." in text and "No stages were recorded." in text


def test_scores_that_are_not_defined_are_dashes(make_report):
    row = make_report.row("base", "verbalized", n=3)
    row = replace(row, scores=(Score("auroc", None, None, None),))
    assert "AUROC ↑ higher is better –" in Reader(drawn(make_report(rows=(row,)))).text


def test_a_thousand_questions_in_six_rows_stay_small(make_report):
    rows = tuple(make_report.row(f"m{k}", "verbalized", n=1000) for k in range(6))
    html = drawn(make_report(rows=rows, questions={"": make_report.questions(1000)}))
    assert len(html.encode()) < 1_500_000


def test_the_cost_of_a_question_is_shown_with_its_scores(make_report):
    rows = tuple(replace(row, seconds=0.25 * i) for i, row in enumerate(make_report().rows, 1))
    timed, untimed = (Reader(drawn(make_report(rows=r))).text for r in (rows, make_report().rows))
    assert "Accuracy ↑ Seconds base" in timed
    assert "Seconds" not in untimed
    for seconds in ("0.25", "0.5", "0.75"):
        assert seconds in timed


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"use": "scratch", "layers": 2}, "scratch"),
        ({"use": "pretrained", "path": "org/name", "adapter": "mine"}, "pretrained org/name mine"),
        ({"use": "remote", "name": "small", "revision": None}, "remote small"),
        ({"use": "jsonl", "path": "facts.jsonl"}, "jsonl facts.jsonl"),
        ({"use": "hub", "repository": "org/data"}, "hub org/data"),
    ],
)
def test_the_header_names_model_and_source(make_report, spec, told):
    report = make_report(recipe={"model": spec, "source": spec})

    assert [value for name, value in facts(report) if name in ("model", "source")] == [told] * 2


def test_the_page_shows_how_training_went(make_report):
    training = Training("train-ppo", {"parse_rate": [(1.0, 0.5), (2.0, 1.0)]})
    report = make_report(training=(training,))
    rows = ordered(report.rows)

    html = page(report, rows, figures(rows) | training_figures(report.training))

    assert "How did training go?" in html and "parse rate" in html
    assert "parse_rate of train-ppo: 0.5 at first, 1 at the end" in html
    assert "How did training go?" not in page(make_report(), rows, figures(rows))
