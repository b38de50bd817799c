from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from saysel.plan.estimates import Amount, RequestEstimate
from saysel.plan.plan import plan
from saysel.recipes.recipe import Recipe, load
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
    return {step.name: step.work() for step in plan(recipe).steps}


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


def test_a_probe_of_the_entropy_samples_more_for_its_fitting() -> None:
    source = {"use": "witness", "train": 30, "heldout": 20, "dev": 10}
    probe = {"use": "probe", "target": "entropy", "samples": 4}
    wrapped = {"use": "recalibrated", "estimator": {**probe, "split": "train"}}
    recipe = {"name": "mine", "source": source, "evaluate": {"estimators": [probe, wrapped]}}

    found = amounts(Recipe.model_validate({**RECIPE, **recipe}))

    assert found["evaluate-base-probe"].units == 20 + 10 * (1 + 4)
    # At most: the fitted probe gives the ten questions of dev one reply each.
    assert found["evaluate-base-recalibrated"].units == 20 + (10 + 30) * (1 + 4)


def test_fresh_samples_and_grades_are_work_too() -> None:
    grader = {"model": "scratch", "questions": 15, "sampler": {"use": "transformers"}}
    reflecting = {"n": 4, "models": ["sft"], "grader": grader}
    evaluate = {**RECIPE["evaluate"], "faithfulness": reflecting}

    found = amounts(Recipe.model_validate({**RECIPE, "evaluate": evaluate}))

    assert found["faithfulness-sft"] == (20 * 5, "replies", 4000)
    assert found["grade-sft"] == (15, "grades", 15 * 256)


def test_evaluated_models_reply_within_the_limit_of_the_evaluation() -> None:
    served = {"use": "openai", "model": "m", "max_tokens": 10}
    evaluate = {
        "sampler": {"use": "transformers", "max_tokens": 100},
        "faithfulness": {"n": 4, "grader": {"model": "scratch", "sampler": served}},
    }
    judge = {"use": "llm", "sampler": served}

    def judged(limit: int) -> dict[str, int]:
        """The tokens that the judge and the grader read, by step."""
        sampler = {**evaluate["sampler"], "max_tokens": limit}
        recipe = {**RECIPE, "judge": judge, "evaluate": {**evaluate, "sampler": sampler}}
        return {
            step.name: request.input_tokens
            for step in plan(Recipe.model_validate(recipe)).steps
            for request in step.requests()
        }

    found = amounts(Recipe.model_validate({**RECIPE, "evaluate": evaluate}))
    few, many = judged(100), judged(300)

    assert found["evaluate-base-verbalized"] == (20, "replies", 20 * 100)
    assert found["faithfulness-base"] == (20 * 5, "replies", 20 * 5 * 100)
    assert many["evaluate-sft-verbalized"] - few["evaluate-sft-verbalized"] == 20 * 200
    assert many["grade-sft"] - few["grade-sft"] == 20 * 5 * 200
    assert many["target"] == few["target"]


def test_an_estimator_that_asks_in_several_chats_makes_a_request_for_each() -> None:
    served = {"use": "openai", "model": "m", "max_tokens": 10, "base_url": "http://localhost:1/v1"}
    asked: list[dict[str, Any]] = [
        {"use": "verbalized"},
        {"use": "steerconf"},
        {"use": "verbalized", "style": "percent", "turns": 2},
        {"use": "self_consistency", "n": 5},
    ]

    def requests(estimator: dict[str, Any]) -> RequestEstimate:
        evaluate = {"estimators": [estimator]}
        model = {"use": "remote", "name": "m"}
        said = {**RECIPE, "model": model, "sample": served, "train": [], "evaluate": evaluate}
        recipe = Recipe.model_validate(said)
        (request,) = (request for step in plan(recipe).steps for request in step.requests())
        return request

    one, steered, turns, five = map(requests, asked)

    assert [each.requests for each in (one, steered, turns, five)] == [20, 100, 40, 20]
    assert [each.output_tokens for each in (one, steered, turns, five)] == [200, 1000, 400, 1000]
    assert steered.input_tokens > turns.input_tokens > one.input_tokens
    assert five.input_tokens == one.input_tokens


def test_a_finished_run_did_that_much(tiny_run: Path, tiny_recipe: Path) -> None:
    from saysel.storage import read_json

    done = read_json(tiny_run / "manifest.json")["stages"]

    for name, amount in amounts(load(str(tiny_recipe))).items():
        assert (done[name]["work"]["units"], done[name]["work"]["unit"]) == amount[:2]
        # What training by reward draws is counted, and estimated by the step.
        assert done[name]["tokens"] <= amount.tokens or name == "train-ppo"


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
