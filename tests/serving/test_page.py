from __future__ import annotations

import json
from collections.abc import Iterator
from time import monotonic, sleep

import pytest

from saysel.serving.app import Settings
from saysel.serving.confidence import Confidence
from saysel.serving.model import ServedModel
from tests.serving.conftest import GREEDY, REPLIES, serving
from tests.support.browser import HOSTILE, Browser, start_browser

SECONDS = 30


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = start_browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


def wait_for(browser: Browser, expression: str) -> None:
    until = monotonic() + SECONDS
    while not browser.run(expression):
        assert monotonic() < until, f"never true: {expression}"
        sleep(0.05)


def ask(browser: Browser, text: str) -> None:
    """Ask a question on the page, and wait for the complete reply."""
    browser.run(f"byId('question').value = {json.dumps(text)}; byId('form').requestSubmit(); 1")
    wait_for(browser, "!byId('send').disabled && byId('turns').children.length > 0")


def test_a_question_gets_an_answer_and_a_bar(url: str, browser: Browser) -> None:
    question = next(iter(REPLIES))
    browser.size(390, 800)
    browser.open(f"{url}/")
    wait_for(browser, "model !== null")

    ask(browser, question)

    texts = browser.run(
        "[...document.querySelectorAll('.answer, .rationale, strong')].map("
        "each => each.textContent)"
    )
    assert texts[:2] == ["cellar", "I am quite sure."]
    shown = browser.run("Number(document.querySelector('[role=meter]').ariaValueNow)")
    assert texts[2] == f"{shown} %" and 50 < shown < 90
    assert browser.run("document.querySelectorAll('.chart div').length") == 11
    assert browser.run("document.documentElement.scrollWidth") <= 390
    assert not browser.trouble
    assert all(request.startswith(url) for request in browser.requests)


def test_a_question_before_the_page_has_connected_is_asked(url: str, browser: Browser) -> None:
    browser.open(f"{url}/")
    wait_for(browser, "model !== null")
    browser.run("model = null; 1")  # as before the server has answered

    ask(browser, next(iter(REPLIES)))

    assert browser.run("document.querySelector('.answer').textContent") == "cellar"
    assert browser.run("byId('question').value") == ""


def test_a_long_question_can_be_seen_as_a_whole(url: str, browser: Browser) -> None:
    browser.size(390, 800)
    browser.open(f"{url}/")
    browser.run("byId('question').value = 'Where is the saddle? '.repeat(6); 1")

    hidden = "byId('question').scrollHeight - byId('question').clientHeight"
    assert browser.run(hidden) <= 0


def test_hostile_questions_stay_text(url: str, browser: Browser) -> None:
    browser.open(f"{url}/")
    wait_for(browser, "model !== null")

    for text in HOSTILE:
        ask(browser, text.replace("\ud800", ""))

    assert not browser.trouble
    assert (
        browser.run("document.querySelectorAll('#turns script, #turns img, #turns svg').length")
        == 0
    )


def test_the_page_asks_for_the_key(model: ServedModel, browser: Browser) -> None:
    with serving(model, Settings("small", GREEDY, key="secret"), Confidence()) as url:
        browser.open(f"{url}/")
        wait_for(browser, "!byId('access').hidden")
        browser.run("byId('key').value = 'secret'; byId('access').requestSubmit(); 1")
        wait_for(browser, "byId('access').hidden && model === 'small'")

        ask(browser, next(iter(REPLIES)))

        assert browser.run("document.querySelector('.answer').textContent") == "cellar"
