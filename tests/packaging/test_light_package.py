"""The wheel without extras, in a separate environment: what works there, and what says no."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent.parent
#: What the extras bring.
ABSENT = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "openai", "anthropic")
#: Installed distributions, pip aside; each one more is a decision.
LARGEST_NUMBER = 35

pytestmark = pytest.mark.slow


class Light(NamedTuple):
    """An environment with saysel and nothing of its extras."""

    folder: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        python = self.folder / "venv" / "bin" / "python"
        own = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        return subprocess.run(
            [str(python), *arguments],
            cwd=self.folder,
            env=own,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def saysel(self, *arguments: str) -> str:
        """What a command prints, which has to succeed."""
        done = self.run("-m", "saysel", *arguments)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Light:
    folder = tmp_path_factory.mktemp("light")
    options = ["--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", str(folder)]
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("saysel-*.whl")
    venv.create(folder / "venv", with_pip=True)
    light = Light(folder)
    constraints = ["--constraint", str(ROOT / "constraints.txt")]
    installed = light.run("-m", "pip", "install", "--quiet", *constraints, str(wheel))
    if "No matching distribution" in installed.stderr or "Connection" in installed.stderr:
        pytest.skip(f"no package index: {installed.stderr.splitlines()[-1]}")
    assert installed.returncode == 0, installed.stderr
    rows = [f"q{n},{n / 40},{int(n % 3 > 0)}" for n in range(40)]
    (folder / "mine.csv").write_text("\n".join(["id,confidence,correct", *rows]))
    (folder / "other.csv").write_text("\n".join(["id,confidence,correct", *rows]))
    return light


def test_nothing_heavy_is_installed(light: Light) -> None:
    listed = light.run("-m", "pip", "list", "--format", "freeze").stdout.splitlines()

    names = {line.partition("==")[0].lower() for line in listed} - {"pip", "setuptools"}
    assert names.isdisjoint(ABSENT) and "saysel" in names
    assert len(names) <= LARGEST_NUMBER, sorted(names)


def test_files_are_scored_and_compared(light: Light) -> None:
    assert "report: scores/mine/index.html" in light.saysel("score", "mine.csv")
    assert (light.folder / "scores" / "mine" / "index.html").is_file()
    compared = light.saysel("compare", "mine.csv", "other.csv", "--resamples", "100")
    assert "page: comparison/index.html" in compared


def test_recipes_are_shown_and_plugins_listed(light: Light) -> None:
    assert "trainer    ppo" in light.saysel("plugins")
    assert "clip" in light.saysel("plugins", "trainer.ppo")
    assert "name: quickstart" in light.saysel("show", "quickstart")
    assert '"$defs"' in light.saysel("schema")


def test_the_extra_is_named_where_a_model_is_asked_or_served(light: Light) -> None:
    for command, extra in ((("ask", "org/model", "Where?"), "train"), (("serve", "x"), "serve")):
        done = light.run("-m", "saysel", *command)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1 and f"saysel[{extra}]" in done.stderr


def test_the_extra_is_named_before_a_recipe_trains(light: Light) -> None:
    for command in ("run", "check"):
        done = light.run("-m", "saysel", command, "quickstart")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            "the model 'scratch' needs the package 'torch', which is not installed: "
            'pip install "saysel[train]"\n'
        )


RUN = """
import saysel
from saysel import registry
from tests_plugin import small_plugin

registry.current().add(small_plugin, "small", "1.0")
recipe = {
    "name": "mine", "leaks": "allow", "model": "small", "source": "small", "sample": "small",
    "train": [{"use": "small"}], "evaluate": {"estimators": ["small"]},
}
assert saysel.check(recipe).steps
run = saysel.run(recipe)
print(run)
assert saysel.Run(run.directory).draw_report() == run.report
"""


def test_a_recipe_that_needs_no_torch_runs_and_is_drawn_again(light: Light) -> None:
    plugin = light.folder / "tests_plugin"
    plugin.mkdir()
    text = (ROOT / "tests" / "support" / "small_plugin.py").read_text(encoding="utf-8")
    renamed = text.replace("tests.support.small_plugin", "tests_plugin.small_plugin")
    (plugin / "small_plugin.py").write_text(renamed)

    done = light.run("-c", RUN)

    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout
    assert (light.folder / "runs" / "mine" / "report" / "index.html").is_file()
