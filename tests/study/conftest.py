"""Writers with known replies, the studies drawn from them, and a real browser."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from saysel.records import Meaning, Question, Reflection
from saysel.study.writers import Writer
from tests.support.browser import Browser, start_browser

PLACES = ("the attic", "the barn", "the cellar", "the den")


def writer(name: str, n: int = 40, texts: Sequence[str] = ()) -> Writer:
    """A model that answers n questions; every fourth answer is wrong.

    The stated confidence is .9 for two of three replies, else .2 or missing. Fresh samples give
    the model's answer, and the place after it in `PLACES` with a share of .3.

    Args:
        texts: what all texts of a reply consist of, in turn.
    """
    questions, replies, confidences, grades = {}, [], {}, {}
    for i in range(n):
        id, own, other = f"q{i}", PLACES[i % 4], PLACES[(i + 1) % 4]
        text = texts[i % len(texts)] if texts else ""
        questions[id] = Question(id, text or f"Where is the lamp {i}?", (own,))
        meanings = (Meaning((text or own,), 0.6, True), Meaning((text or other,), 0.3, False))
        replies.append(
            Reflection(
                question_id=id,
                response="",
                answer=text or own,
                rationale=text or f"{name} says {own}, or {other} {i}.",
                correct=0.0 if i % 4 == 0 else 1.0,
                tokens=9,
                samples=10,
                meanings=meanings,
                kept=0.9,
                dropped=0.6,
                swapped=0.5,
            )
        )
        confidences[id] = (0.9, 0.9, 0.2 if i % 2 else None)[i % 3]
        grades[id] = float(i % 11)
    return Writer(name, questions, replies, confidences, grades, "split")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = start_browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "study"
