"""When the report is drawn again, and from which cell's options."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from saysel.records import ModelRef
from saysel.storage import read_json
from tests.support.end_to_end import REFLECT, TRAINED, events, invoke, stages_started


def metrics(run: Path) -> dict[str, Any]:
    content: dict[str, Any] = read_json(run / "report" / "metrics.json")
    return content


def test_the_report_of_a_renamed_recipe_has_its_new_name(
    tiny_recipe: Path, tiny_copy: Path
) -> None:
    before, told = metrics(tiny_copy), len(events(tiny_copy))
    renamed = ("run", tiny_recipe, "--out", tiny_copy, "--set", "name=renamed")

    assert invoke(*renamed).exit_code == 0

    assert stages_started(tiny_copy, told) == ["report"]
    assert metrics(tiny_copy) == {**before, "run": "renamed"}
    assert "renamed" in (tiny_copy / "report" / "index.html").read_text()
    assert "nothing to do" in invoke(*renamed).stdout


def test_cells_that_share_their_replies_are_measured_with_their_own_options(
    reflected_run: Path, tiny_recipe: Path, small_model: ModelRef, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(reflected_run, tmp_path / "tiny"))
    command = ["run", tiny_recipe, "--out", run, *TRAINED]
    command += ["--set", REFLECT.replace("X", small_model.path)]
    path, told = "evaluate.faithfulness.candidates", len(events(run))

    assert invoke(*command, "--set", f"{path}=question").exit_code == 0
    (alone,) = metrics(run)["faithfulness"]
    assert invoke(*command, "--set", f"matrix={{{path}: [split, question]}}").exit_code == 0

    assert stages_started(run, told) == ["report", "report"]
    split, question = (row["metrics"] for row in metrics(run)["faithfulness"])
    assert split != question
    assert question == alone["metrics"]
