"""Whole runs: the same records as with `local`, and limits that hold for all workers."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import saysel
from saysel.errors import StageError
from saysel.stages import cluster as cluster_stage
from saysel.stages import evaluate, faithfulness, grade, rationale, sample, target
from saysel_ray.engine import RayEngine

from .conftest import ChatServer, records


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every stage has several shards."""
    monkeypatch.setattr(sample, "RESPONSES_PER_SHARD", 12)
    monkeypatch.setattr(evaluate, "REPLIES_PER_SHARD", 3)
    monkeypatch.setattr(faithfulness, "REPLIES_PER_SHARD", 12)
    monkeypatch.setattr(grade, "GRADES_PER_SHARD", 2)
    for stage in (cluster_stage, rationale, target):
        monkeypatch.setattr(stage, "QUESTIONS_PER_SHARD", 3)


def asking(server: ChatServer, **options: Any) -> dict[str, Any]:
    """A recipe all of whose models are at a server."""
    sampler = {"use": "openai", "base_url": server.url, "model": "m", "max_tokens": 8, **options}
    llm = {"use": "llm", "sampler": sampler, "max_missing": 1.0, "retries": 0}
    return {
        "name": "asking",
        "model": {"use": "remote", "name": "m"},
        "source": {"use": "witness", "pretrain": 30, "train": 12, "dev": 6, "heldout": 9},
        "sample": {**sampler, "n": 4},
        "rationale": llm,
        "judge": llm,
        "leaks": "allow",
        "evaluate": {
            "estimators": ["verbalized", {"use": "recalibrated", "estimator": "verbalized"}]
        },
    }


def run(recipe: dict[str, Any], directory: Path, engine: RayEngine | None) -> dict[str, bytes]:
    """The records of a run, its training data included."""
    chosen = saysel.load_recipe(recipe)
    if engine is not None:
        chosen = chosen.model_copy(update={"engine": engine})
    saysel.run(chosen, directory, until="target")
    saysel.run(chosen, directory)
    return records(directory)


def requests(run: Path) -> dict[str, int | None]:
    """How many requests the ledger has of each stage."""
    stages = json.loads((run / "manifest.json").read_text())["stages"]
    return {name: stage.get("requests") for name, stage in stages.items()}


def test_all_requests_are_made_once_and_records_are_those_of_local(
    engine: RayEngine, server: ChatServer, tmp_path: Path
) -> None:
    expected = run(asking(server), tmp_path / "local", None)
    asked = Counter(server.asked)
    server.asked.clear()
    server.most, server.seconds = 0, 0.01

    found = run(asking(server, concurrency=3), tmp_path / "ray", engine)

    assert found == expected and len(found) > 20
    assert Counter(server.asked) == asked
    assert server.most == 3
    assert requests(tmp_path / "ray") == requests(tmp_path / "local")


def test_a_run_on_shared_storage_has_the_same_records(
    engine: RayEngine, server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSEL_CACHE", str(tmp_path / "working copies"))
    recipe = saysel.load_recipe(asking(server))
    saysel.run(recipe, tmp_path / "local", until="sample")

    shared = recipe.model_copy(update={"engine": engine})
    made = saysel.run(shared, (tmp_path / "drive").as_uri(), until="sample")

    assert made.directory.is_relative_to(tmp_path / "working copies")
    found = records(tmp_path / "drive")
    assert found == records(tmp_path / "local") and found


def test_max_cost_holds_for_all_workers(
    engine: RayEngine, server: ChatServer, tmp_path: Path
) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("m: [0, 10000]\n")  # a cent for a token of the reply
    recipe = {**asking(server), "max_cost": 1.7, "prices": str(prices)}

    with pytest.raises(
        StageError, match=r"stage 'sample' failed: max_cost: .*raise max_cost"
    ) as raised:
        run(recipe, tmp_path / "run", engine)

    assert "\n" not in str(raised.value)
    assert 2 <= len(server.asked) < 12
    spent = len(server.asked) * 4 * 5 * 0.01
    assert spent <= 1.7


TRAINED = {
    "name": "tiny",
    "model": {
        **{"use": "scratch", "layers": 1, "width": 32, "vocabulary": 400, "batch_size": 16},
        **{"max_steps": 120, "learning_rate": 1e-2},
    },
    "source": {"use": "witness", "pretrain": 400, "train": 12, "heldout": 8, "dev": 6},
    "format": {"use": "sayself", "instruction": ""},
    "sample": {"use": "transformers", "n": 4, "max_tokens": 24},
    "train": [{"use": "sft", "lora": None, "max_steps": 4, "batch_size": 8}],
    "evaluate": {
        "temperature": 0,
        "estimators": ["verbalized", {"use": "probe", "models": ["base"]}],
        "faithfulness": {
            "n": 3,
            "grader": {"model": {"use": "remote", "name": "m"}},
        },
    },
}


@pytest.mark.slow
def test_a_model_on_the_workers_gives_the_records_of_local(
    engine: RayEngine, server: ChatServer, tmp_path: Path
) -> None:
    sampler = {"use": "openai", "base_url": server.url, "model": "m"}
    TRAINED["evaluate"]["faithfulness"]["grader"]["sampler"] = sampler

    expected = run(TRAINED, tmp_path / "local", None)
    found = run(TRAINED, tmp_path / "ray", engine)

    assert found == expected
    stages = {path.split("/")[1].rpartition("-")[0] for path in found}
    assert stages >= {
        *("sample", "cluster", "rationale", "target", "evaluate-base-verbalized"),
        *("evaluate-base-probe", "evaluate-sft-verbalized", "faithfulness-sft"),
    }
