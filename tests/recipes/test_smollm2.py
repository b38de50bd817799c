"""The packaged recipe `smollm2` on the real model, small enough for minutes on one core."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.smollm2 import weights
from tests.support import end_to_end

ROOT = Path(__file__).parents[2]
#: Where `make smollm2` keeps the weights, too.
MODEL = ROOT / "build" / "smollm2"
#: The file of the SaySelf release, if it is next to the checkout.
FACTS = ROOT.parent / "shared" / "data" / "pararel_data.json"

SMALL = {
    "source.shares": "{pretrain: 0.989, train: 0.006, rl: 0.002, dev: 0.001, heldout: 0.002}",
    "elicit.shots": "4",
    "sample.n": "2",
    "sample.max_tokens": "12",
    "target": "largest_cluster",  # an example from every question, since there are few
    "train.0.epochs": "4",
    "train.0.batch_size": "4",
    "train.0.learning_rate": "1e-3",
    "train.1.steps": "1",
    "train.1.batch_size": "4",
    "train.1.mini_batch_size": "4",
    "evaluate.estimators": "[verbalized]",
}


@pytest.fixture(scope="module")
def model() -> Path:
    """The directory with the weights, downloaded if they are not there yet."""
    try:
        weights.make(MODEL)
    except SystemExit as error:
        pytest.skip(str(error))
    return MODEL


@pytest.mark.slow
@pytest.mark.skipif(not FACTS.is_file(), reason=f"{FACTS} is not there")
def test_a_real_model_learns_to_answer_reflect_and_say_how_sure_it_is(
    model: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    settings = {"model.path": model, "source.path": FACTS, **SMALL}
    overrides = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]

    done = end_to_end.invoke("run", "smollm2", "--out", run, *overrides)

    assert done.exit_code == 0, done.output
    rows = json.loads((run / "report" / "metrics.json").read_text())["rows"]
    read = {row["model"]: row["metrics"]["parse_rate"]["value"] for row in rows}
    assert read["base"] > 0.8  # with worked examples
    assert read["sft"] > 0.8 and read["ppo"] > 0.8  # without

    exported = tmp_path / "adapter"
    assert end_to_end.invoke("export", run, "--to", exported).exit_code == 0
    asked = end_to_end.invoke("ask", exported, "Who produces the Toyota Corolla?")

    assert asked.exit_code == 0, asked.output
    assert [line.split(":")[0] for line in asked.stdout.splitlines()] == [
        "answer",
        "rationale",
        "confidence",
    ]
