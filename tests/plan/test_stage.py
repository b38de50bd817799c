from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from saysel.plan.plan import plan
from saysel.plan.stage_names import STAGES, load_stages, position
from saysel.recipes.recipe import Recipe
from saysel.runs.run import run
from saysel.storage import read_json

RECIPE: dict[str, Any] = {
    "name": "mine",
    "model": "small",
    "source": {"use": "small", "train": 5},
    "sample": {"use": "small", "n": 3},
    "evaluate": {"estimators": ["small"]},
    "leaks": "allow",
}


@pytest.fixture
def length_stage(monkeypatch: pytest.MonkeyPatch, small_parts: None) -> Iterator[None]:
    """A new stage: one file, and one line in the list of stages."""
    names = list(STAGES.items())
    names.insert(2, ("length", "tests.support.length_stage:LengthStage"))
    STAGES.clear()
    STAGES.update(names)
    yield
    del STAGES["length"]


def test_each_stage_is_called_as_it_is_listed() -> None:
    for name, stage in load_stages().items():
        assert stage.stage == name
        assert stage.__doc__


@pytest.mark.usefixtures("small_parts")
def test_a_new_stage_changes_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe.model_validate(RECIPE)
    before = {step.directory for step in plan(recipe, "sample").steps}
    monkeypatch.setitem(STAGES, "length", "tests.support.length_stage:LengthStage")

    after = {step.directory for step in plan(recipe, "sample").steps}

    assert {name.rpartition("-")[0] for name in after - before} == {"length"}
    assert before < after


@pytest.mark.usefixtures("length_stage")
def test_a_new_stage_is_planned_estimated_run_and_recorded(tmp_path: Path) -> None:
    recipe = Recipe.model_validate(RECIPE)
    assert position("length") == 2
    steps = {step.name: step for step in plan(recipe, "length").steps}
    assert steps["length"].work() == (5, "questions", 0)

    outcome = run(recipe, tmp_path, until="length")

    assert outcome.ran == ("model", "sample", "length")
    record = read_json(tmp_path / "manifest.json")["stages"]["length"]
    assert record["words"] == 5 * 3
    assert record["fingerprint"] == steps["length"].fingerprint
    assert run(recipe, tmp_path, until="length").ran == ()
