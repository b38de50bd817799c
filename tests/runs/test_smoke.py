from __future__ import annotations

from pathlib import Path
from typing import Any

from saysel.recipes.recipe import Recipe
from saysel.runs.smoke import full_run_estimate
from saysel.storage import write_record

RECIPE: dict[str, Any] = {
    "name": "mine",
    "model": {"use": "scratch", "batch_size": 10, "epochs": 2, "practice": 0.1},
    "source": {"use": "witness", "pretrain": 100, "train": 30, "heldout": 20},
    "sample": {"use": "transformers", "n": 5, "max_tokens": 40},
}


def test_the_time_of_a_full_run_is_what_the_smoke_run_measured_times_the_work(
    tmp_path: Path,
) -> None:
    def record(units: int, seconds: float, tokens: int = 0, overhead: float = 0.5) -> Any:
        return {
            "seconds": seconds + overhead,
            "tokens": tokens,
            "work": {"units": units, "unit": "…", "seconds": seconds},
        }

    recipe = Recipe.model_validate(RECIPE)
    stages = {
        "model": record(2, 3.0),  # 1.5 s a step
        "evaluate-base-verbalized": record(10, 2.0, tokens=400),  # 20 tokens/10 ms a reply
    }
    write_record(tmp_path / "manifest.json", {"stages": stages})

    # 0.5 + 22 × 1.5 for the model, 0.5 + 20 × 40 tokens at 200 a second for the replies.
    assert full_run_estimate(recipe, tmp_path) == (
        "the full run of 'mine' will take at most about 38 s on this machine"
    )


def test_stages_of_a_matrix_are_found_by_their_directories(tmp_path: Path) -> None:
    recipe = Recipe.model_validate({**RECIPE, "matrix": {"seed": [0, 1]}})
    records = {
        f"model-{'0' * 12}": {
            "seconds": 1.0,
            "tokens": 0,
            "work": {"units": 1, "unit": "steps", "seconds": 1.0},
        }
    }
    write_record(tmp_path / "manifest.json", {"stages": records})

    assert "about 44 s" in full_run_estimate(recipe, tmp_path)  # 22 steps for each seed
