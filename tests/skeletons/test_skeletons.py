"""The packages that `saysel new plugin` writes, for every kind, are installed and used."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from saysel.interfaces import KINDS
from tests.support import end_to_end
from tests.support.virtual_environment import Environment

pytestmark = pytest.mark.slow

NAMES = {kind: f"saysel-loud-{kind}" for kind in KINDS}

WRITE = """
import json, sys
from saysel.skeletons.writing import write_plugin as plugin

for kind, name in json.loads(sys.argv[1]).items():
    plugin(name, kind)
"""

LOAD = """
import json, sys
from saysel.recipes.recipe import load

for kind, path in json.loads(sys.argv[1]).items():
    print(kind, "loud_" + kind in str(load(path).resolved()))
"""


SMALL = "from saysel import testing; from pathlib import Path; testing.small_model(Path('small'))"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with all of them."""
    environment = Environment(tmp_path_factory.mktemp("skeletons"))
    written = environment.run("-c", WRITE, json.dumps(NAMES))
    assert written.returncode == 0, written.stderr
    environment.install_projects(*(environment.folder / name for name in NAMES.values()))
    return environment


def test_their_tests_pass(environment: Environment) -> None:
    options = ["-q", "-W", "error", "-p", "no:cacheprovider", "--import-mode=importlib"]
    done = environment.run("-m", "pytest", *options, *NAMES.values(), timeout=300)

    assert done.returncode == 0, done.stdout
    tests = (path.read_text() for path in environment.folder.glob("*/tests/test_*.py"))
    assert sum(text.count("def test_") for text in tests) >= 3 * len(KINDS)


def test_they_are_listed_and_explained(environment: Environment) -> None:
    listed = environment.saysel("plugins")

    assert (listed.returncode, listed.stderr) == (0, "")
    rows = [line.split(maxsplit=4) for line in listed.stdout.splitlines()]
    for kind, name in NAMES.items():
        (told,) = [row[4] for row in rows if row[:3] == [kind, f"loud_{kind}", name]]
        readme = (environment.folder / name / "README.md").read_text()
        assert told[1:] in readme


def test_the_recipes_of_their_readmes_load(environment: Environment) -> None:
    recipes = {}
    for kind, name in NAMES.items():
        readme = (environment.folder / name / "README.md").read_text()
        fragment = readme.partition("```yaml\n")[2].partition("```")[0]
        whole = {"source": "witness", **yaml.safe_load(fragment)}
        recipes[kind] = environment.recipe(yaml.safe_dump(whole), f"{kind}.yaml")

    loaded = environment.run("-c", LOAD, json.dumps(recipes))

    assert loaded.stdout.splitlines() == [f"{kind} True" for kind in KINDS], loaded.stderr


def test_they_are_clean(environment: Environment) -> None:
    folders = [str(Path(name)) for name in NAMES.values()]
    configuration = f"{NAMES['reward']}/pyproject.toml"
    code = [f"{name}/{part}" for name in folders for part in (name.replace("-", "_"), "tests")]
    for command in (
        ["ruff", "check", "--no-cache", *folders],
        ["ruff", "format", "--no-cache", "--check", *folders],
        ["mypy", "--config-file", configuration, "--cache-dir", "mypy", *code],
    ):
        done = environment.run("-m", *command, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_run_uses_them(environment: Environment) -> None:
    recipe = yaml.safe_load(end_to_end.RECIPE)
    for kind, key in (
        *(("source", "source"), ("clusterer", "cluster"), ("rationale", "rationale")),
        *(("target", "target"), ("judge", "judge"), ("engine", "engine"), ("format", "format")),
    ):
        recipe[key] = f"loud_{kind}"
    recipe["train"] = [
        {"use": "loud_trainer"},
        {**recipe["train"][1], "reward": "loud_reward", "max_tokens": 64},
    ]
    recipe["evaluate"] = {
        "estimators": ["verbalized", "loud_estimator"],
        "metrics": ["accuracy", "loud_metric"],
    }
    recipe["sample"]["max_tokens"] = 64
    path = environment.recipe(yaml.safe_dump(recipe), "all.yaml")

    done = environment.saysel("run", path, "--smoke", timeout=300)

    assert done.returncode == 0, done.stderr
    run = environment.folder / "runs" / "tiny-smoke"
    manifest = (run / "manifest.json").read_text()
    metrics = json.loads((run / "report" / "metrics.json").read_text())
    assert {"loud_estimator", "verbalized"} <= {row["estimator"] for row in metrics["rows"]}
    assert all("loud_metric" in row["metrics"] for row in metrics["rows"])
    for kind in ("source", "clusterer", "rationale", "target", "judge", "trainer", "reward"):
        assert NAMES[kind] in manifest


def test_a_run_of_the_model_and_the_sampler(environment: Environment) -> None:
    """A separate recipe: replies from a list are no samples of the model that is trained."""
    environment.run("-c", SMALL)
    recipe = yaml.safe_load(end_to_end.RECIPE)
    recipe["name"] = "disturbed"
    recipe["model"] = {"use": "loud_model", "path": "small/model", "noise": 0.01}
    rooms = ("cellar", "attic", "kitchen", "garden", "barn")
    replies = [f"Answer: the {room} Confidence: 8" for room in rooms]
    recipe["sample"] = {"use": "loud_sampler", "n": 40, "replies": replies}
    recipe["train"] = [recipe["train"][0]]
    # The model is asked for its own replies at the end.
    recipe["evaluate"] = {"estimators": ["verbalized"], "sampler": "transformers"}
    path = environment.recipe(yaml.safe_dump(recipe), "disturbed.yaml")

    done = environment.saysel("run", path, timeout=300)

    assert done.returncode == 0, done.stderr
    run = environment.folder / "runs" / "disturbed"
    manifest = (run / "manifest.json").read_text()
    assert all(NAMES[kind] in manifest for kind in ("model", "sampler"))
    (shard, *_) = run.glob("stages/sample-*/part-*.parquet")
    assert set(pq.read_table(shard).column("text").to_pylist()) == set(replies)
    (disturbed,) = run.glob("stages/model-*/model/model.safetensors")
    assert (
        disturbed.read_bytes()
        != (environment.folder / "small" / "model" / "model.safetensors").read_bytes()
    )


def test_a_file_is_scored_with_the_metric(environment: Environment) -> None:
    (environment.folder / "mine.csv").write_text(
        "id,confidence,correct\na,1.0,1\nb,0.9,0\nc,0.95,1\nd,0.2,0\n"
    )

    done = environment.saysel("score", "mine.csv", "--metric", "loud_metric", "--json")

    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    assert row["metrics"]["loud_metric"]["value"] == pytest.approx(1 / 3)


def test_what_they_cost_at_start_up_is_little(environment: Environment) -> None:
    done = environment.saysel("plugins", "--timings", timeout=300)

    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in NAMES.values())
    assert "heavy packages; import them" not in done.stdout
