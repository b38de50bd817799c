from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from saysel.costs.work import Amount, duration, full_run, work
from saysel.plan.plan import plan
from saysel.recipes.recipe import Recipe, load
from saysel.storage import write_record
from tests.support.end_to_end import invoke

RECIPE: dict[str, Any] = {
    "name": "mine",
    "model": {"use": "scratch", "batch_size": 10, "epochs": 2, "practice": 0.1},
    "source": {"use": "witness", "pretrain": 100, "train": 30, "heldout": 20},
    "sample": {"use": "transformers", "n": 5, "max_tokens": 40},
    "train": [{"use": "sft", "batch_size": 8}, {"use": "ppo", "steps": 7}],
    "evaluate": {
        "estimators": ["verbalized", {"use": "self_consistency", "n": 3, "models": ["base"]}]
    },
}


def amounts(recipe: Recipe) -> dict[str, Amount]:
    return {step.name: work(step) for step in plan(recipe).steps}


def test_how_much_there_is_to_do_follows_from_the_options() -> None:
    assert amounts(Recipe.model_validate(RECIPE)) == {
        "model": (22, "steps", 0),  # two passes over 110 documents, ten a step
        "sample": (150, "responses", 6000),
        "cluster": (30, "questions", 0),
        "rationale": (30, "questions", 0),
        "target": (30, "questions", 0),
        "train-sft": (12, "steps", 0),  # three passes over 30 examples, eight a step
        "train-ppo": (7, "steps", 0),
        "evaluate-base-verbalized": (20, "replies", 800),
        "evaluate-base-self_consistency": (60, "replies", 2400),
        "evaluate-sft-verbalized": (20, "replies", 800),
        "evaluate-ppo-verbalized": (20, "replies", 800),
        "report": (0, "", 0),
    }


def test_what_an_estimator_is_fitted_on_is_work_too() -> None:
    source = {"use": "witness", "heldout": 20, "dev": 10}
    recalibrated = {"use": "recalibrated", "estimator": {"use": "self_consistency", "n": 3}}
    recipe = {"name": "mine", "source": source, "evaluate": {"estimators": [recalibrated]}}

    found = amounts(Recipe.model_validate({**RECIPE, **recipe}))

    assert found["evaluate-base-recalibrated"] == (3 * (20 + 10), "replies", 3600)


def test_fresh_samples_and_grades_are_work_too() -> None:
    grader = {"model": "scratch", "questions": 15, "sampler": {"use": "transformers"}}
    reflecting = {"n": 4, "models": ["sft"], "grader": grader}
    evaluate = {**RECIPE["evaluate"], "faithfulness": reflecting}

    found = amounts(Recipe.model_validate({**RECIPE, "evaluate": evaluate}))

    assert found["faithfulness-sft"] == (20 * 5, "replies", 4000)
    assert found["grade-sft"] == (15, "grades", 15 * 256)


def test_a_finished_run_did_that_much(tiny_run: Path, tiny_recipe: Path) -> None:
    from saysel.storage import read_json

    done = read_json(tiny_run / "manifest.json")["stages"]

    for name, amount in amounts(load(str(tiny_recipe))).items():
        assert (done[name]["work"]["units"], done[name]["work"]["unit"]) == amount[:2]
        # What training by reward draws is counted, and estimated by the step.
        assert done[name]["tokens"] <= amount.tokens or name == "train-ppo"


def test_the_time_of_a_full_run_is_what_the_rehearsal_measured_times_the_work(
    tmp_path: Path,
) -> None:
    def record(units: int, seconds: float, tokens: int = 0, overhead: float = 0.5) -> Any:
        return {
            "seconds": seconds + overhead,
            "tokens": tokens,
            "work": {"units": units, "unit": "…", "seconds": seconds},
        }

    recipe = Recipe.model_validate({**RECIPE, "train": [], "evaluate": {}})
    stages = {
        "model": record(2, 3.0),  # 1.5 s a step
        "evaluate-base-verbalized": record(10, 2.0, tokens=400),  # 20 tokens/10 ms a reply
    }
    write_record(tmp_path / "manifest.json", {"stages": stages})

    # 0.5 + 22 × 1.5 for the model, 0.5 + 20 × 40 tokens at 200 a second for the replies.
    assert full_run(recipe, tmp_path) == (
        "the full run of 'mine' will take at most about 38 seconds on this machine"
    )


def test_stages_of_a_matrix_are_found_by_their_directories(tmp_path: Path) -> None:
    recipe = Recipe.model_validate({**RECIPE, "train": [], "matrix": {"seed": [0, 1]}})
    records = {
        f"model-{'0' * 12}": {
            "seconds": 1.0,
            "tokens": 0,
            "work": {"units": 1, "unit": "steps", "seconds": 1.0},
        }
    }
    write_record(tmp_path / "manifest.json", {"stages": records})

    assert "about 44 seconds" in full_run(recipe, tmp_path)  # 22 steps for each seed


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "0 seconds"),
        (89.4, "89 seconds"),
        (90, "2 minutes"),
        (3600, "60 minutes"),
        (5400, "1.5 hours"),
        (86400, "24.0 hours"),
    ],
)
def test_times_read_well(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_check_shows_the_work(tiny_recipe: Path) -> None:
    result = invoke("check", tiny_recipe)

    assert result.exit_code == 0
    lines = [re.split(r"  +", line.strip()) for line in result.stdout.splitlines()]
    assert lines[0] == ["tiny: no problems"]
    assert lines[1] == ["step", "fingerprint", "work", "tokens at most"]
    rows = {line[0]: line[2:] for line in lines[2:-1]}
    assert rows["sample"] == ["96 responses", "2,304"]
    assert rows["train-ppo"] == ["2 steps"]
    assert rows["report"] == []
    assert lines[-1] == ["cost: none, every component runs on this machine"]
