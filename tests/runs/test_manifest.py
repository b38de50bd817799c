from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from saysel import __version__
from saysel.plan.plan import plan
from saysel.recipes.components import components
from saysel.recipes.recipe import Recipe
from saysel.runs import manifest
from saysel.runs.manifest import Manifest, peak_memory, reset_peak_memory
from saysel.storage import finish, read_json


def recipe(**changes: Any) -> Recipe:
    return Recipe.model_validate(
        {"name": "mine", "source": "witness", "train": [{"use": "ppo"}], "seed": 3, **changes}
    )


def opened(recipe: Recipe, directory: Path) -> tuple[Manifest, Any]:
    todo = plan(recipe)
    return Manifest(directory, recipe, todo), todo


def test_it_says_with_what_the_run_was_made(tmp_path: Path) -> None:
    opened(recipe(), tmp_path)

    content = read_json(tmp_path / "manifest.json")
    assert content["run"] == "mine"
    assert content["schema"] == 1
    assert content["versions"]["saysel"] == __version__
    assert content["versions"]["python"] == platform.python_version()
    assert content["versions"]["numpy"] == np.__version__
    assert content["seeds"] == {"": 3}
    assert content["hardware"]["cores"] >= 1
    assert content["stages"] == {}


@pytest.mark.parametrize(
    ("program", "is_recorded"),
    [
        ("/usr/bin/saysel", True),
        ("C:/Scripts/saysel.exe", True),
        ("/lib/python/saysel/__main__.py", True),
        ("/home/me/saysel/train.py", False),
        ("", False),
    ],
)
def test_arguments_of_other_programs_may_be_secret(
    program: str, is_recorded: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", [program, "run", "mine.yaml", "--token=hf_secret"])

    opened(recipe(), tmp_path)

    assert ("hf_secret" in (tmp_path / "manifest.json").read_text()) is is_recorded


def test_it_names_the_distribution_of_every_component_nested_ones_too(tmp_path: Path) -> None:
    content = opened(recipe(), tmp_path)[0].content

    ours = f"saysel {__version__}"
    assert content["plugins"]["source.witness"] == ours
    assert content["plugins"]["reward.quadratic"] == ours
    assert content["plugins"]["metric.ece"] == ours
    assert {one.use for one in components(recipe())} == {
        name.partition(".")[2] for name in content["plugins"]
    }


def test_stages_are_noted_as_they_finish(tmp_path: Path) -> None:
    log, todo = opened(recipe(), tmp_path)

    log.add(todo.steps[0], {"seconds": 1.5})

    assert read_json(tmp_path / "manifest.json")["stages"] == {"model": {"seconds": 1.5}}


def test_stages_that_were_done_before_are_taken_over(tmp_path: Path) -> None:
    _, todo = opened(recipe(), tmp_path)
    finish(tmp_path / "stages" / todo.steps[1].directory, {"tokens": 7})

    opened(recipe(), tmp_path)

    assert read_json(tmp_path / "manifest.json")["stages"] == {"sample": {"tokens": 7}}


def test_cells_of_a_matrix_keep_their_stages_apart(tmp_path: Path) -> None:
    log, todo = opened(recipe(matrix={"seed": [0, 1]}), tmp_path)
    models = [step for step in todo.steps if step.stage == "model"]

    for step in models:
        log.add(step, {"seconds": 1.0})

    assert log.content["seeds"] == {"seed=0": 0, "seed=1": 1}
    assert len(models) == 2
    assert set(log.content["stages"]) == {step.directory for step in models}


def test_peak_memory_sees_a_large_array_and_forgets_it() -> None:
    reset_peak_memory()
    before = peak_memory()
    np.ones(8_000_000).sum()  # 64 MB
    grown = peak_memory()

    assert grown - before > 50
    if Path("/proc/self/clear_refs").exists():
        reset_peak_memory()
        assert peak_memory() < grown - 50


def test_outside_of_a_checkout_there_is_no_git_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    assert opened(recipe(), tmp_path)[0].content["git"] is None


def test_git_state_tells_of_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (
        ["git", "init", "-q"],
        [
            "git",
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "x",
        ],
    ):
        manifest.subprocess.run(command, check=True)

    clean = manifest._git()
    assert clean is not None
    assert len(clean["commit"]) == 40
    assert clean["changed"] is False
    (tmp_path / "new").touch()
    assert manifest._git() == {**clean, "changed": True}
