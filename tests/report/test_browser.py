"""The page in a real browser, opened from disk."""

from __future__ import annotations

from itertools import pairwise

import pytest

from saysel.records import Prediction
from saysel.report import Report, Row, comparison, write
from saysel.scoring import Comparison, Difference

pytestmark = pytest.mark.slow

COUNT = "document.getElementById('count').textContent"
PROMPTS = "[...document.querySelectorAll('#list .prompt')].map((node) => node.textContent)"


@pytest.fixture(scope="module")
def page(make_report, tmp_path_factory):
    directory = tmp_path_factory.mktemp("report")
    write(make_report(), directory)
    return directory / "index.html"


@pytest.fixture(scope="module")
def hostile_page(hostile_report, tmp_path_factory):
    directory = tmp_path_factory.mktemp("hostile")
    write(hostile_report, directory)
    return directory / "index.html"


@pytest.fixture(scope="module")
def comparison_page(tmp_path_factory):
    numbers = (0.3333, 0.2222, -0.1111, -0.1515, -0.0505, 0.987, 0.001, 0.002, -0.0909)
    differences = [
        Difference(method, f"brier_resolution(bins={number})", "lower", *numbers)
        for method in ("one", "another" * 9)
        for number in range(15)
    ]
    directory = tmp_path_factory.mktemp("comparison")
    compared = Comparison(
        reference="old" * 20,
        questions=90,
        left_out=0,
        asked={"old": 90},
        missing={"old": 9},
        clusters=30,
        resamples=100,
        differences=tuple(differences),
    )
    comparison.write(compared, directory)
    return directory / "index.html"


@pytest.fixture(scope="module")
def many_page(tmp_path_factory):
    """A report with more answers than fit above a bin as digits."""
    predictions = [
        Prediction(f"q{number}", "", "", None, (number % 10) / 10 + 0.05, float(number % 2))
        for number in range(11_110)
    ]
    row = Row("", "m", "e", "all", tuple(predictions), (), len(predictions))
    directory = tmp_path_factory.mktemp("many")
    write(Report("many", "many", {}, {"versions": {}}, (row,), {"": {}}, {}), directory)
    return directory / "index.html"


def test_a_confidence_is_not_rounded_to_certainty(browser, tmp_path):
    predictions = [
        Prediction(f"q{number}", "", "a", None, confidence, 1.0)
        for number, confidence in enumerate((0.9996, 0.0004, 1.0, 0.0, 0.85))
    ]
    row = Row("", "m", "e", "all", tuple(predictions), (), len(predictions))
    write(Report("few", "few", {}, {"versions": {}}, (row,), {"": {}}, {}), tmp_path)

    browser.open(tmp_path / "index.html")

    shown = browser.run("[...document.querySelectorAll('.meter b')].map((b) => b.textContent)")
    assert shown == ["> 99 %", "< 1 %", "100 %", "0 %", "85 %"]


def test_it_opens_without_trouble_and_asks_for_nothing_else(browser, page):
    browser.open(page)
    assert browser.run(COUNT) == "60 of 60 questions"
    assert browser.run("document.querySelectorAll('#list > li').length") == 20
    assert (
        browser.run("document.querySelector('#row').selectedOptions[0].text") == "ppo · verbalized"
    )
    assert browser.run("document.querySelectorAll('svg.figure').length") == 13
    assert browser.requests == [page.as_uri()]
    assert browser.trouble == []


def test_the_address_chooses_what_is_shown(browser, page):
    browser.open(page, "#q=lantern&filter=wrong")
    prompts = browser.run(PROMPTS)
    assert prompts == [f"Where is the lantern {i}?" for i in range(0, 60, 6)]
    assert browser.run(COUNT) == "10 of 60 questions"
    browser.open(page, "#filter=unread&row=1")
    assert browser.run(PROMPTS) == [
        f"Where is the {t} {i}?" for t, i in [("medal", 7), ("medal", 27), ("medal", 47)]
    ]
    # The page that is open follows a new address too.
    browser.run("location.hash = '#from=80&to=90&page=2'; null")
    browser.run("new Promise((done) => setTimeout(done, 200))")
    assert browser.run("document.getElementById('page').textContent") == "page 2 of 2"
    assert browser.run(COUNT) == "38 of 60 questions"


def test_a_wrong_address_shows_everything(browser, page):
    browser.open(page, "#filter=nonsense&row=99&from=abc&page=-3")
    assert browser.run(COUNT) == "60 of 60 questions"
    browser.open(page, "#filter=declined")  # a filter of reports with declined replies only
    assert browser.run(COUNT) == "60 of 60 questions" and browser.trouble == []
    browser.open(page, "#cost")
    assert browser.run(COUNT) == "60 of 60 questions" and browser.trouble == []


def test_it_can_be_worked_with_the_keyboard(browser, page):
    browser.open(page)
    browser.run("document.getElementById('q').focus()")
    for key in "medal 59":
        browser.press("Space" if key == " " else key)
    assert browser.run(COUNT) == "1 of 60 questions"
    assert browser.run("location.hash") == "#q=medal+59"
    browser.run("document.querySelector('#list summary').focus()")
    browser.press("Enter")
    browser.run("new Promise((done) => setTimeout(done, 200))")
    assert browser.run("document.querySelector('#list details').open") is True
    detail = browser.run("document.querySelector('.detail').textContent")
    assert "Accepted answers: place 59" in detail and "ppo weighs witness 59." in detail
    assert "75 %" in detail and "ideal observer" in detail
    assert browser.run("document.querySelectorAll('.detail .reply').length") == 4


def test_paging_and_filters(browser, page):
    browser.open(page)
    browser.run("document.getElementById('next').click()")
    assert browser.run(PROMPTS)[0] == "Where is the lantern 20?"
    browser.run("document.getElementById('filter-right').click()")
    assert browser.run(COUNT) == "40 of 60 questions"
    assert browser.run("document.getElementById('page').textContent") == "page 1 of 2"
    browser.run("document.getElementById('filter-all').click()")
    assert browser.run("location.hash") == ""


def test_clusters_of_a_question_are_shown(browser, page):
    browser.open(page, "#q=q0")
    browser.run("document.querySelector('#list summary').click()")
    browser.run("new Promise((done) => setTimeout(done, 200))")
    assert "sampled answers by share" in browser.run(
        "document.querySelector('.detail').textContent"
    )


def test_hostile_text_is_text(browser, hostile_page, hostile_report):
    browser.open(hostile_page, "#q=</script><script>alert(9)</script>")
    browser.open(hostile_page, "#page=1")
    browser.run("document.querySelectorAll('details').forEach((node) => { node.open = true; })")
    browser.run("new Promise((done) => setTimeout(done, 300))")
    details = browser.run("[...document.querySelectorAll('.detail')].map((d) => d.textContent)")
    assert len(details) == 8
    prompts = browser.run(PROMPTS)
    (questions,) = hostile_report.questions.values()
    assert [q.prompt for q in questions.values() if q.prompt.isprintable()] == [
        prompt for prompt in prompts if prompt.isprintable()
    ]
    assert all("javascript:alert(5)" in text for text in details)
    assert browser.run("document.querySelectorAll('img, svg[onload]').length") == 0
    assert browser.run("document.scripts.length") == 2
    assert browser.trouble == [] and browser.requests == [hostile_page.as_uri()]


def test_the_content_policy_blocks_scripts_that_escaping_missed(browser, page, tmp_path):
    html = page.read_text(encoding="utf-8")
    attack = "<script>alert(1)</script><img src='https://example.invalid/x.png' onerror='alert(2)'>"
    broken = tmp_path / "broken.html"
    broken.write_text(html.replace("<main>", f"<main>{attack}"), encoding="utf-8")
    browser.open(broken)
    browser.run("new Promise((done) => setTimeout(done, 300))")
    assert browser.run(COUNT) == "60 of 60 questions"
    assert not [trouble for trouble in browser.trouble if trouble.startswith("dialog")]
    assert len([t for t in browser.trouble if "Content Security Policy" in t]) >= 2


@pytest.mark.parametrize("width", [340, 390, 768, 1280])
def test_every_verdict_of_a_comparison_is_visible(browser, comparison_page, width):
    browser.size(width, 900)
    browser.open(comparison_page)
    assert browser.run("document.documentElement.scrollWidth") <= width
    edges = browser.run(
        "[...document.querySelectorAll('.outcome span')].map("
        "(verdict) => verdict.getBoundingClientRect().right)"
    )
    assert len(edges) == 30 and max(edges) <= width
    cells = "[...document.querySelectorAll('.differences td')]"
    assert browser.run(f"{cells}.every((cell) => cell.scrollWidth <= cell.clientWidth + 1)")


@pytest.mark.parametrize("width", [340, 390, 768, 1280])
def test_no_number_of_a_comparison_is_broken(browser, comparison_page, width):
    """`−0.09` and `1` on two lines would be another number."""
    browser.size(width, 900)
    browser.open(comparison_page)
    lines = browser.run(
        "[...document.querySelectorAll('.differences td')].map((cell) => { "
        "const range = document.createRange(); range.selectNodeContents(cell); "
        "return new Set([...range.getClientRects()].map((line) => line.y)).size; })"
    )
    assert len(lines) > 200 and set(lines) == {1}


@pytest.mark.parametrize("width", [340, 390, 768, 1280])
def test_counts_above_neighbouring_bins_have_room(browser, many_page, width):
    browser.size(width, 900)
    browser.open(many_page)
    counts = browser.run(
        "[...document.querySelectorAll('.panels figure')].map((figure) => "
        "[...figure.querySelectorAll('.small')].map((count) => "
        "(({left, right, y}) => [left, right, y])(count.getBoundingClientRect())))"
    )
    assert sum(map(len, counts)) >= 10
    for row in counts:
        for (_, right, y), (left, _, below) in pairwise(row):
            assert y != below or right < left


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [340, 380, 768, 1280])
def test_it_fits_its_window(browser, page, hostile_page, width, dark):
    browser.size(width, 900, dark=dark)
    for opened in (page, hostile_page):
        browser.open(opened)
        browser.run("document.querySelectorAll('details').forEach((node) => { node.open = true; })")
        browser.run("new Promise((done) => setTimeout(done, 200))")
        assert browser.run("document.documentElement.scrollWidth") <= width
    luminance = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]"
    assert (browser.run(luminance) < 128) is dark


def test_texts_have_contrast(browser, page):
    """WCAG AA: 4.5 to 1 for text, in both colour schemes."""
    script = """(() => {
      const rgb = (text) => {
        const probe = document.createElement('canvas').getContext('2d');
        probe.fillStyle = text; probe.fillRect(0, 0, 1, 1);
        return [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3);
      };
      const light = (c) => { const [r, g, b] = rgb(c).map((v) => {
        v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const root = getComputedStyle(document.documentElement);
      const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
        return (x + 0.05) / (y + 0.05); };
      const found = {};
      for (const text of ['ink', 'muted', 'right', 'wrong', 'accent',
                          'm0', 'm1', 'm2', 'm3', 'm4', 'm5', 'limit'])
        for (const back of ['card', 'paper'])
          found[`${text} on ${back}`] = ratio(
            root.getPropertyValue(`--${text}`), root.getPropertyValue(`--${back}`));
      return found;
    })()"""
    for dark in (False, True):
        browser.size(1280, 900, dark=dark)
        browser.open(page)
        found = browser.run(script)
        assert len(found) == 24
        assert {pair: ratio for pair, ratio in found.items() if ratio < 4.5} == {}
