"""Every estimator within a run, on the tiny model."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from saysel import registry
from saysel.recipes.recipe import load
from saysel.stages import evaluate
from saysel.storage import read_json
from tests.support.end_to_end import events, invoke, results, stages_started

pytestmark = pytest.mark.slow

ESTIMATORS = (
    "[verbalized, expected, sequence_probability, p_true,"
    " {use: self_consistency, n: 3, weight: confidence},"
    " {use: verbalized_consistency, n: 3}, {use: semantic_entropy, n: 3, weight: likelihood},"
    " {use: recalibrated, estimator: {use: self_consistency, n: 4}, method: platt},"
    " {use: dinco, n: 3}, probe, steerconf,"
    " {use: answer_or_abstain, estimator: verbalized, risk: 0.5}]"
)
NAMES = [
    *("verbalized", "expected", "sequence_probability", "p_true", "self_consistency"),
    *("verbalized_consistency", "semantic_entropy", "recalibrated", "dinco", "probe"),
    *("steerconf", "answer_or_abstain"),
]
#: The tiny model follows no instructions, and is never right often enough.
WITHOUT_CONFIDENCES = ("steerconf", "answer_or_abstain")


def test_every_estimator_is_a_row(
    tiny_recipe: Path, tiny_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(NAMES) == set(registry.names("estimator"))
    chosen = f"evaluate.estimators={ESTIMATORS}"
    command = ("run", tiny_recipe, "--out", tiny_copy, "--set", chosen)
    said = invoke(*command)

    assert said.exit_code == 0, said.output
    rows = read_json(tiny_copy / "report" / "metrics.json")["rows"]
    assert [row["estimator"] for row in rows if row["model"] == "sft"] == NAMES
    done = read_json(tiny_copy / "manifest.json")["stages"]
    # Fitted on the dev split, judged on 16 questions, four replies each.
    dev = len(list(load(str(tiny_recipe)).source.questions("dev")))
    assert done["evaluate-sft-recalibrated"]["work"]["units"] == (dev + 16) * 4
    for name in NAMES:
        (place,) = (tiny_copy / "stages").glob(f"evaluate-sft-{name}-*")
        (shard,) = place.glob("part-*.parquet")
        made = pq.read_table(shard).to_pylist()
        assert all(one["tokens"] > 0 for one in made)
        stated = any(one["confidence"] is not None for one in made)
        assert stated or name in WITHOUT_CONFIDENCES, name

    # In several parts, and killed after the first: the curve is the same.
    told, whole = len(events(tiny_copy)), results(tiny_copy)
    (place,) = (tiny_copy / "stages").glob("evaluate-sft-recalibrated-*")
    (place / "done.json").unlink()
    (place / "part-00000.parquet").unlink()
    monkeypatch.setattr(evaluate, "REPLIES_PER_SHARD", 5 * 4)
    assert invoke(*command).exit_code == 0
    assert stages_started(tiny_copy, told) == ["evaluate-sft-recalibrated"]
    in_parts = [
        one
        for key, rows in results(tiny_copy).items()
        if key.startswith(place.name)
        for one in rows
    ]
    (before,) = (rows for key, rows in whole.items() if key.startswith(place.name))
    assert [one["question_id"] for one in in_parts] == [one["question_id"] for one in before]

    def curve(made: list[dict[str, float]]) -> dict[float, float]:
        """The confidence that each share of agreeing samples was mapped to."""
        return {
            max(share for _, share in one["shares"]): round(one["confidence"], 9)
            for one in made
            if one["shares"]
        }

    known = curve(before)
    assert known and all(
        known.get(share, value) == value for share, value in curve(in_parts).items()
    )
