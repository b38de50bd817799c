"""The rater's page in a real browser."""

from __future__ import annotations

import csv
import io
import json
from time import sleep

import pytest

from saysel.study.design import draw
from saysel.study.findings import findings
from saysel.study.pages import default_consent, page
from saysel.study.rater_checks import by_rater, notes
from saysel.study.ratings import Rating, read_ratings
from saysel.study.report import StudyScores
from tests.study.conftest import writer
from tests.support.browser import HOSTILE

pytestmark = pytest.mark.slow

TITLE = "document.getElementById('title').textContent"
DONE = "document.getElementById('done').textContent"
SHOWN = "document.querySelector('main:not([hidden])').id"
BEGIN = "document.getElementById('agree').click(); document.getElementById('start').click()"
#: What the page would save as a file.
SAVED = """new Promise((resolve) => {
  const original = URL.createObjectURL;
  URL.createObjectURL = (blob) => { blob.text().then(resolve); return original(blob); };
  document.querySelector('main:not([hidden]) .download').click();
  URL.createObjectURL = original;
})"""


@pytest.fixture
def study(request):
    # Another seed for each test: pages of one study share what the browser keeps.
    seed = len(request.node.name)
    return draw([writer("a"), writer("b")], per_model=3, controls=1, raters=2, seed=seed)


@pytest.fixture
def opened(browser, study, tmp_path):
    file = tmp_path / "rater-1.html"
    file.write_text(page(study, 1, default_consent(study)))
    browser.size(390, 844)
    browser.open(file)
    return file


def saved(browser) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(browser.run(SAVED))))


def test_rating_by_keyboard_is_kept_and_can_be_downloaded(browser, opened, study) -> None:
    assert browser.run(SHOWN) == "intro"
    assert browser.run("document.getElementById('start').disabled") is True
    browser.run(BEGIN)
    assert (browser.run(TITLE), browser.run(DONE)) == ("Item 1 of 8", "0 of 8 rated")
    # The samples are shown once the usefulness is rated.
    assert browser.run("document.getElementById('second').hidden") is True
    sleep(0.1)  # the time per item is written in tenths of a second
    browser.press("4")
    assert browser.run("document.getElementById('second').hidden") is False
    assert browser.run("document.activeElement.id") == "samples-title"
    browser.press("2")
    assert browser.run(DONE) == "1 of 8 rated"
    browser.press("Enter")
    browser.press("5")

    browser.open(opened)
    # It continues where it stopped, at the item that is half rated.
    assert (browser.run(TITLE), browser.run(DONE)) == ("Item 2 of 8", "1 of 8 rated")
    assert browser.run("document.querySelector('input[name=usefulness]:checked').value") == "5"
    browser.press("p")
    assert browser.run(TITLE) == "Item 1 of 8"
    browser.run("document.getElementById('note').value = '=1+1, \"so\"'")
    browser.run("document.getElementById('note').dispatchEvent(new Event('input'))")
    rows = saved(browser)
    assert [(row["study"], row["rater"]) for row in rows] == [(study.id, "1")] * 2
    assert [(row["usefulness"], row["faithfulness"]) for row in rows] == [("4", "2"), ("5", "")]
    assert rows[0]["note"] == '\'=1+1, "so"' and float(rows[0]["seconds"]) > 0
    assert {row["item"] for row in rows} <= {item.id for item in study.items}
    assert browser.trouble == [] and browser.requests == [opened.as_uri()]


def test_rating_by_pointer_to_the_end(browser, opened, study, tmp_path) -> None:
    browser.run(BEGIN)
    for number in range(1, 9):
        assert browser.run(TITLE) == f"Item {number} of 8"
        browser.run("document.querySelector('input[name=usefulness][value=\"3\"]').click()")
        browser.run("document.querySelector('input[name=faithfulness][value=\"1\"]').click()")
        browser.run("document.getElementById('next').click()")
    assert browser.run(SHOWN) == "end"
    rows = saved(browser)
    assert sorted(row["item"] for row in rows) == [item.id for item in study.items]
    file = tmp_path / "ratings.csv"
    file.write_text(browser.run(SAVED))
    ratings = read_ratings([file], study)
    assert [one.levels for one in ratings] == [{"usefulness": 3, "faithfulness": 1}] * 8
    # A correction is possible afterwards, and keeps the others.
    browser.run("document.getElementById('back').click()")
    browser.press("2")
    assert [row["faithfulness"] for row in saved(browser)] == ["1"] * 7 + ["2"]
    assert browser.trouble == []


def test_a_rater_can_withdraw(browser, opened) -> None:
    assert browser.run("document.getElementById('withdraw').hidden") is True
    browser.run(BEGIN)
    browser.press("4")
    browser.press("2")
    browser.run("document.getElementById('delete').click()")
    browser.open(opened)
    assert browser.run(SHOWN) == "intro"
    browser.run(BEGIN)
    assert browser.run(DONE) == "0 of 8 rated" and saved(browser) == []


def test_it_fits_a_phone_and_says_when_nothing_is_kept(browser, opened) -> None:
    browser.run(BEGIN)
    browser.press("4")
    assert browser.run("document.documentElement.scrollWidth") <= 390
    smallest = "Math.min(...[...document.querySelectorAll('#rate .levels span, #rate button')]"
    assert browser.run(f"{smallest}.map((node) => node.offsetHeight))") >= 44
    assert browser.run("document.getElementById('warning').hidden") is True
    browser.run("Storage.prototype.setItem = () => { throw new Error('full') }; null")
    browser.press("3")
    assert browser.run("document.getElementById('warning').hidden") is False
    assert browser.run(DONE) == "1 of 8 rated"


def test_hostile_texts_are_shown_as_they_are(browser, tmp_path) -> None:
    hostile = draw([writer("a", n=16, texts=HOSTILE)], per_model=8, controls=0, raters=1, seed=0)
    file = tmp_path / "hostile.html"
    file.write_text(page(hostile, 1, " ".join(HOSTILE[:5])))
    browser.open(file)
    browser.run(BEGIN)
    texts = {item.id: item for item in hostile.items}
    order = json.loads(browser.run("document.getElementById('data').textContent"))["items"]
    for item in order:
        browser.press("3")
        shown = browser.run(
            "[...document.querySelectorAll('.shown dd')].map((node) => node.textContent)"
        )
        known = texts[item["id"]]
        assert shown == [known.question, known.answer, known.rationale]
        names = "[...document.querySelectorAll('#samples li')].map((n) => n.firstChild.textContent)"
        assert browser.run(names)[0] == known.samples[0][0]
        browser.press("Enter")
    assert browser.trouble == [] and browser.requests == [file.as_uri()]


def test_the_scores_fit_a_phone_and_hostile_names_are_text(browser, tmp_path) -> None:
    names = [HOSTILE[0], HOSTILE[2]]
    study = draw([writer(name) for name in names], per_model=6, controls=0, raters=1, seed=0)
    ratings = tuple(
        Rating(HOSTILE[3], item.id, {"usefulness": n % 5 + 1, "faithfulness": 3})
        for n, item in enumerate(study.items)
    )
    found = [*findings(study, ratings), *by_rater(study, ratings)]
    about = notes(study, ratings, found)
    report = StudyScores(study, ratings, 0.5, tuple(found), tuple(about)).write(tmp_path)
    browser.size(390, 844)
    browser.open(report)
    assert browser.run("document.documentElement.scrollWidth") <= 390
    rows = browser.run("[...document.querySelectorAll('tbody th')].map((node) => node.textContent)")
    assert rows[:2] == names and f"rater {HOSTILE[3]}, models" in rows
    assert browser.trouble == [] and browser.requests == [report.as_uri()]
