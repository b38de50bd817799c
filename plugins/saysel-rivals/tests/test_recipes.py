"""The package installed with pip into a separate environment, and its recipes run there.

The environment sees the packages of the running one, so nothing is downloaded.
"""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

import saysel
import saysel_rivals
from saysel import registry
from saysel.interfaces import Judge, Source
from saysel.recipes.text import read_yaml

PROJECT = Path(saysel_rivals.__file__).parent.parent
FOLDER = PROJECT / "saysel_rivals" / "recipes"


def trainers(name: str) -> list[str]:
    """What a recipe of ours trains with, as it is written."""
    phases = read_yaml(FOLDER / f"{name}.yaml")["train"]
    return [phase["use"] for phase in phases]


NAMES = sorted(saysel_rivals.saysel_recipes())
QUICK = [name for name in NAMES if name.endswith("-quickstart")]
#: Rewards that run the code of `dcpo`.
LIKE_DCPO = ("csr-quickstart", "orce-quickstart")


def test_every_file_is_announced() -> None:
    assert [f"saysel_rivals:recipes/{name}.yaml" for name in NAMES] == [
        saysel_rivals.saysel_recipes()[name] for name in NAMES
    ]
    assert sorted(path.stem for path in FOLDER.glob("*.yaml")) == NAMES
    assert len(NAMES) == 32
    assert [name.removesuffix("-quickstart") for name in QUICK] == sorted(set(NAMES) - set(QUICK))


def test_names_are_those_of_the_files() -> None:
    for name in NAMES:
        assert read_yaml(FOLDER / f"{name}.yaml")["name"] == name


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment where the package is installed."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = folder / "venv" / "bin" / "python"
    pure = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout
    # `addsitedir` also follows the .pth files there, like that of an editable install.
    above = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    here = f"{Path(saysel.__file__).parent.parent}\n"
    (Path(pure.strip()) / "above.pth").write_text(here + above)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    done = run(python, "-m", "pip", "install", *options, str(PROJECT))
    assert done.returncode == 0, done.stderr
    return python


def own_variables() -> dict[str, str]:
    """The environment variables of that environment."""
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}


def run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), *arguments],
        cwd=python.parent,
        env=own_variables(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


#: Runs a command of saysel with these arguments.
Command = Callable[..., subprocess.CompletedProcess[str]]
#: Reads commands from standard input and runs one after the other.
COMMANDS = """
import json, sys
from click.testing import CliRunner
from saysel.cli import cli
for line in sys.stdin:
    done = CliRunner().invoke(cli, json.loads(line), prog_name="saysel")
    print(json.dumps([done.exit_code, done.stdout, done.stderr]), flush=True)
"""


@pytest.fixture(scope="module")
def saysel_there(python: Path) -> Iterator[Command]:
    """Runs commands in one process of that environment, which loads the large packages once."""
    process = subprocess.Popen(
        [str(python), "-c", COMMANDS],
        cwd=python.parent,
        env=own_variables(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    commands, results = process.stdin, process.stdout

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        print(json.dumps(arguments), file=commands, flush=True)
        return subprocess.CompletedProcess(arguments, *json.loads(results.readline()))

    yield command
    process.communicate()
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_check_of_an_installed_recipe(saysel_there: Command, name: str) -> None:
    done = saysel_there("check", name)

    assert done.returncode == 0, done.stderr
    assert f"{name}: no problems" in done.stdout


@pytest.mark.slow
def test_check_loads_nothing_heavy(python: Path) -> None:
    code = (
        "import sys\nfrom saysel.cli import cli\n"
        "cli(['check', 'r-tuning-quickstart'], standalone_mode=False)\n"
        "print(sorted({'torch', 'transformers', 'trl', 'peft'} & set(sys.modules)))"
    )
    done = run(python, "-c", code)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("conftuner", {"learning_rate": 1e-5, "epochs": 2, "lora.r": 8, "lora.alpha": 32}),
        ("rlcr", {"replies": 32, "temperature": 0.7, "beta": 0, "reward": "rlcr"}),
        ("rewarding-doubt", {"reward": "log", "mask": "confidence"}),
        ("lacie", {"learning_rate": 5e-4, "batch_size": 60, "max_steps": 250, "beta": 0.1}),
        ("ppo-c", {"mask": "response", "reward.weight": 0.5}),
        ("calibration-tuning", {"learning_rate": 1e-4, "lora.r": 8, "lora.alpha": 32}),
        ("cats", {"beta": 0.25, "weight": 0.1, "threshold": 0.75, "learning_rate": 5e-5}),
        ("cats", {"batch_size": 64, "epochs": 1, "lora.r": 32, "lora.dropout": 0.05}),
        ("csft", {"mask": "confidence"}),
        ("dcpo", {"replies": 8, "kl_trained": 1e-3, "reward.gamma": 0.5, "reward.weight": 0.5}),
    ],
)
def test_published_values(name: str, published: dict[str, Any]) -> None:
    (phase,) = read_yaml(FOLDER / f"{name}.yaml")["train"]
    for key, value in published.items():
        found: Any = phase
        for part in key.split("."):
            found = found[part]
        assert found == value, key
    # Small steps on weights in bfloat16 round away: an adapter's are in float32.
    assert phase["lora"]["r"] >= 8


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in QUICK if name not in LIKE_DCPO])
def test_a_smoke_run(saysel_there: Command, name: str, tmp_path: Path) -> None:
    done = saysel_there("run", name, "--smoke", "--out", str(tmp_path / "out"))

    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "out-smoke" / "report" / "metrics.json").read_text())
    assert {row["model"] for row in metrics["rows"]} >= {"base", *trainers(name)}


@pytest.mark.slow
def test_a_run_learns_the_accuracy_of_groups(python: Path, tmp_path: Path) -> None:
    """Its examples state for each object how often the most frequent answer was right."""
    import pyarrow.parquet as pq

    small = ("source.pretrain=400", "source.train=40", "sample.n=4", "model.max_steps=150")
    sets = [word for one in small for word in ("--set", one)]
    options = ["--until", "target", "--out", str(tmp_path), *sets]
    done = run(python, "-m", "saysel", "run", "gce-quickstart", *options)
    assert done.returncode == 0, done.stderr

    def rows(stage: str) -> list[dict[str, Any]]:
        (folder,) = (tmp_path / "stages").glob(f"{stage}-*")
        return [row for part in folder.glob("part-*") for row in pq.read_table(part).to_pylist()]

    source = registry.build("source", {"use": "witness", "pretrain": 400, "train": 40})
    assert isinstance(source, Source)
    asked = {question.id: question for question in source.questions("train")}
    answers: dict[str, str] = {}
    for row in rows("cluster"):  # largest first
        answers.setdefault(row["question_id"], row["representative"]["answer"])
    judge = registry.build("judge", "match")
    assert isinstance(judge, Judge)
    judged = judge.judge([(asked[name], answer) for name, answer in answers.items()])
    groups: dict[str, list[float]] = {}
    for name, correct in zip(answers, judged, strict=True):
        groups.setdefault(asked[name].meta["object"], []).append(correct or 0.0)
    stated = {row["question_id"]: row["confidence"] for row in rows("target")}

    assert stated == pytest.approx(
        {name: fmean(groups[asked[name].meta["object"]]) for name in answers}
    )
    assert len(set(stated.values())) > 1


@pytest.mark.slow
def test_an_unknown_name_is_compared_with_ours(python: Path) -> None:
    done = run(python, "-m", "saysel", "check", "r-tunning")

    assert done.returncode == 2
    assert "did you mean 'r-tuning'" in done.stderr
