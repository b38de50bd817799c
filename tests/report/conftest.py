"""Report fixtures: rows with known content, and a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from saysel.metrics.accuracy import Accuracy
from saysel.metrics.auroc import Auroc
from saysel.metrics.brier import Brier
from saysel.metrics.ece import Ece
from saysel.records import Prediction, Question
from saysel.report import Report, Row
from saysel.scoring import score, to_arrays
from tests.support.browser import HOSTILE, Browser, start_browser


class MakeReport:
    """Reports over questions `q0`, `q1` … about lanterns and medals, every third one wrong."""

    def row(self, model: str, estimator: str, n: int = 60, cell: str = "", **kind: Any) -> Row:
        metrics = [Ece(use="ece"), Auroc(use="auroc"), Brier(use="brier"), Accuracy(use="accuracy")]
        predictions = tuple(self.prediction(i, model, **kind) for i in range(n))
        scores = tuple(score(to_arrays(predictions), metrics, resamples=30))
        return Row(
            cell, model, estimator, "heldout", predictions, scores, n, metrics=tuple(metrics)
        )

    def prediction(self, i: int, model: str, confident: bool = False) -> Prediction:
        right = i % 3 != 0
        confidence = 1.0 if confident else (0.8 if right else 0.2)
        return Prediction(
            question_id=f"q{i}",
            response=f"Answer: place {i}",
            answer=f"place {i}" if right else f"elsewhere {i}",
            rationale=f"{model} weighs witness {i}.",
            confidence=None if i % 20 == 7 else confidence,
            correct=float(right),
            tokens=9,
            shares={f"place {i}": 0.75, "cellar": 0.25} if model == "base" else {},
        )

    def questions(self, n: int = 60) -> dict[str, Question]:
        things = ("lantern", "medal")
        return {
            f"q{i}": Question(f"q{i}", f"Where is the {things[i % 2]} {i}?", (f"place {i}",))
            for i in range(n)
        }

    def __call__(self, **changes: Any) -> Report:
        stage = {
            "seconds": 72.5,
            "tokens": 1234567,
            "peak_memory_mb": 812.4,
            "fingerprint": "ab12cd34",
            "work": {"units": 150, "unit": "steps"},
        }
        fields: dict[str, Any] = {
            "name": "quickstart",
            "title": "Where is the lantern?",
            "recipe": {"seed": 0, "model": {"use": "scratch"}, "source": "witness"},
            "manifest": {"versions": {"saysel": "0.1.0"}, "stages": {"sample": stage}},
            "rows": (
                self.row("ideal", "ideal"),
                self.row("base", "verbalized", confident=True),
                self.row("base", "self_consistency"),
                self.row("ppo", "verbalized"),
            ),
            "questions": {"": self.questions()},
            "clusters": {"": {"q0": [("place 0", 0.6), ("cellar", 0.4)]}},
        }
        return Report(**{**fields, **changes})


@pytest.fixture(scope="session")
def make_report() -> MakeReport:
    return MakeReport()


@pytest.fixture(scope="session")
def hostile_report(make_report: MakeReport) -> Report:
    """Every text that comes from data is an attack."""
    bad = " ".join(HOSTILE)
    predictions = tuple(
        Prediction(
            f"{text}{i}", text, text if i % 2 else None, text, 0.9, float(i % 2), 3, {text: 1.0}
        )
        for i, text in enumerate(HOSTILE)
    )
    scores = tuple(score(to_arrays(predictions), [Accuracy(use="accuracy")], resamples=20))
    return make_report(
        name=bad,
        title=bad,
        recipe={"seed": bad, "model": bad, bad: [bad]},
        manifest={"versions": {bad: bad}, "stages": {bad: {"seconds": 1, "fingerprint": bad}}},
        rows=(Row(bad, bad, bad, bad, predictions, scores, len(predictions)),),
        questions={
            bad: {
                f"{text}{i}": Question(f"{text}{i}", text, (text,))
                for i, text in enumerate(HOSTILE)
            }
        },
        clusters={bad: {f"{text}{i}": [(text, 1.0)] for i, text in enumerate(HOSTILE)}},
    )


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = start_browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()
