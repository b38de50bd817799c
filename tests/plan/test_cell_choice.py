from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from saysel.errors import UsageError
from saysel.plan.cell_choice import chosen_cell
from saysel.plan.plan import plan
from saysel.plan.stage import Plan
from saysel.recipes.recipe import Recipe
from saysel.storage import read_json
from tests.support.end_to_end import invoke

MATRIX = "matrix={'train[1].reward': [quadratic, linear]}"
LINEAR = "reward=linear"


def planned(matrix: dict[str, list[object]]) -> Plan:
    return plan(Recipe.model_validate({"name": "mine", "source": "witness", "matrix": matrix}))


def test_a_cell_is_named_by_its_label_or_by_what_only_it_has() -> None:
    todo = planned({"seed": [0, 1], "evaluate.temperature": [0, 0.5]})
    run = Path("run")

    names = ("seed=1,temperature=0.5", "temperature=0.5,seed=1", "evaluate.temperature=0.5,seed=1")
    for wanted in (*names, "4", 4):
        assert chosen_cell(run, todo, wanted) is todo.cells[3]
    for wanted, reason in (
        (None, "name one with --cell: the run has 4 cells: 1 'seed=0,temperature=0'; 2 "),
        ("seed=1", "2 cells match --cell 'seed=1': 3 'seed=1,temperature=0'; 4 "),
        ("seed=2", "no cell matches --cell 'seed=2'"),
        ("", "no cell matches --cell ''"),
        ("0", "no cell matches --cell '0'"),
        ("5", "no cell matches --cell '5'"),
    ):
        with pytest.raises(UsageError, match=reason):
            chosen_cell(run, todo, wanted)


def test_a_message_names_the_first_cells_of_many() -> None:
    todo = planned({"seed": list(range(40))})
    with pytest.raises(UsageError) as raised:
        chosen_cell(Path("run"), todo, None)
    assert str(raised.value).endswith("6 'seed=5'; … 40 'seed=39'")


def test_a_run_without_a_matrix_has_one_cell() -> None:
    todo = planned({})

    assert chosen_cell(Path("run"), todo, None) is todo.cells[0]
    with pytest.raises(UsageError, match="this run has a single cell"):
        chosen_cell(Path("run"), todo, "seed=1")


@pytest.fixture
def matrix_run(tiny_recipe: Path, tiny_copy: Path) -> Path:
    done = invoke("run", tiny_recipe, "--out", tiny_copy, "--set", MATRIX)
    assert done.exit_code == 0, done.output
    return tiny_copy


def log_files(stdout: str) -> list[str]:
    """The logs that `export` has written; the data set is one, however many cells there are."""
    return [line for line in stdout.splitlines() if "data_set" not in line]


@pytest.mark.slow
def test_commands_on_one_cell_of_a_matrix_run(matrix_run: Path, tmp_path: Path) -> None:
    page = (matrix_run / "report" / "index.html").read_bytes()
    question = "Nora says the lantern is in the cellar. Where is the lantern?"

    asked = invoke("ask", matrix_run, question, "--cell", LINEAR)
    assert asked.exit_code == 0 and asked.stdout.startswith("answer:"), asked.output

    exported = invoke("export", matrix_run, "--cell", LINEAR, "--to", tmp_path / "model")
    assert exported.exit_code == 0, exported.output
    trained = {
        path.read_bytes() for path in matrix_run.glob("stages/train-ppo-*/model/model.safetensors")
    }
    assert len(trained) == 2
    assert (tmp_path / "model" / "model.safetensors").read_bytes() in trained
    card = (tmp_path / "model" / "README.md").read_text()
    assert "use: linear" in card
    rows = read_json(matrix_run / "report" / "metrics.json")["rows"]
    of_cell = [row for row in rows if row["cell"] == LINEAR and row["model"] in ("base", "ppo")]
    table = [line for line in card.splitlines() if line.startswith(("| base", "| ppo"))]
    assert len(table) == len(of_cell) == 3

    logs = invoke(
        "export", matrix_run, "--predictions", "--cell", LINEAR, "--to", tmp_path / "logs"
    )
    everything = invoke("export", matrix_run, "--predictions", "--to", tmp_path / "all")
    assert (logs.exit_code, everything.exit_code) == (0, 0)
    assert 2 * len(log_files(logs.stdout)) == len(log_files(everything.stdout))

    assert (matrix_run / "report" / "index.html").read_bytes() == page
    shutil.rmtree(tmp_path / "model")
    assert "name one with --cell" in invoke("export", matrix_run, "--to", tmp_path / "model").stderr
