from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from saysel.metrics.accuracy import Accuracy
from saysel.metrics.brier import Brier
from saysel.records import Prediction
from saysel.report import Row
from saysel.report.changes import changes
from saysel.scoring import Method, compare, score, to_arrays

METRICS = (Brier(use="brier"), Accuracy(use="accuracy"))


def row(model: str, noise: float, right: float = 0.6, n: int = 300) -> Row:
    """Answers to questions whose difficulty all models share."""
    rng = np.random.default_rng(0)
    difficulty, deviation = rng.random(n), rng.standard_normal(n)
    predictions = tuple(
        Prediction(f"q{i}", "", "", None, float(np.clip(c, 0, 1)), float(d < right))
        for i, (c, d) in enumerate(
            zip(0.5 + (right - difficulty) + noise * deviation, difficulty, strict=True)
        )
    )
    scores = tuple(score(to_arrays(predictions), METRICS))
    return Row("", model, "verbalized", "heldout", predictions, scores, n, metrics=METRICS)


def test_certain_changes_have_intervals_that_overlap():
    """The paired test sees what two intervals side by side do not."""
    base, sft = row("base", 0.0), row("sft", 0.0, right=0.65)
    before, after = base.scores[1], sft.scores[1]
    assert before.high > after.low  # the intervals overlap
    made = changes([base, sft, row("ideal", 0.0)])
    assert made["sft · verbalized", "accuracy"].outcome == "better"
    assert {name for name, _ in made} == {"sft · verbalized"}


def test_they_are_what_compare_says():
    rows = [row("base", 0.3), row("sft", 0.1), row("ppo", 0.2)]
    found = changes(rows)
    made = compare([Method(one.name, one.predictions) for one in rows], METRICS)
    # The large table has accuracy last.
    assert set(found.values()) == set(made.differences)


def test_clusters_count_there_too():
    rows = [row("base", 0.0), row("sft", 0.0, right=0.65)]
    pairs = zip(rows[0].predictions, rows[1].predictions, strict=True)
    clusters = {
        one.question_id: "changed" if one.correct != other.correct else str(i % 3)
        for i, (one, other) in enumerate(pairs)
    }
    grouped = [replace(one, clusters=clusters) for one in rows]
    assert changes(grouped)["sft · verbalized", "accuracy"].outcome == "unclear"


@pytest.mark.parametrize("kind", ["one row", "other questions", "no metrics"])
def test_without_anything_to_compare_nothing_is_marked(kind):
    base, sft = row("base", 0.1), row("sft", 0.2)
    if kind == "one row":
        assert changes([base]) == {}
    elif kind == "no metrics":
        assert changes([replace(base, metrics=()), replace(sft, metrics=())]) == {}
    else:
        others = tuple(replace(p, question_id=f"x{p.question_id}") for p in sft.predictions)
        assert changes([base, replace(sft, predictions=others)]) == {}
