"""Third-party packages, built and installed with pip into a separate environment."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from saysel.registry import builtins
from tests.support import end_to_end
from tests.support.virtual_environment import Done, Environment

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

GOOD = '''
from typing import Sequence

from pydantic import Field

import saysel
from saysel.interfaces import RationaleWriter, RewardFn
from saysel.records import Rationale


class Humble(RewardFn):
    """Quadratic, and dearer when the model is sure and wrong."""

    price: float = Field(2.0, ge=1, description="factor on the loss of wrong answers")

    def reward(self, correct, confidence):
        return [
            -1.0 if c is None else 1 - 2 * (y - c) ** 2 * (1 if y > 0.5 else self.price)
            for y, c in zip(correct, confidence)
        ]


class Terse(RationaleWriter):
    """Say in five words whether there were rivals."""

    def write(self, items):
        return [
            Rationale(question.id, "I see no other way." if len(clusters) < 2 else "I waver a bit.")
            for question, clusters in items
        ]


@saysel.hookimpl
def saysel_rewards():
    return {"humble": "saysel_humble:Humble"}


@saysel.hookimpl
def saysel_rationales():
    return {"terse": "saysel_humble:Terse"}
'''

CLAIM = '''
import saysel
from saysel.interfaces import RewardFn


class Mine(RewardFn):
    """Zero for everything."""

    def reward(self, correct, confidence):
        return [0.0 for _ in correct]


@saysel.hookimpl
def saysel_rewards():
    return {"contested": "MODULE:Mine", "MODULE": "MODULE:Mine"}
'''

MISTYPED = """
import saysel


@saysel.hookimpl
def saysel_rewardz():
    return {}
"""

RECIPE = """
source: {use: witness, train: 40, heldout: 20}
rationale: terse
train:
  - sft
  - {use: ppo, reward: {use: humble, price: 3}}
"""


Make = Callable[..., Environment]


#: Our plugins that add no component.
WITHOUT_COMPONENTS = ("saysel-track", "saysel-witness")


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    def make(**modules: str) -> Environment:
        environment = Environment(tmp_path_factory.mktemp("environment"))
        for module, code in modules.items():
            environment.install(module, code)
        return environment

    return make


@pytest.fixture(scope="module")
def good(make: Make) -> Environment:
    return make(saysel_humble=GOOD)


def problems(done: Done) -> str:
    """The stderr of a command that must be refused before any work, without a traceback."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_our_plugins_can_be_installed(make: Make) -> None:
    projects = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
    assert projects
    environment = make()
    environment.install_projects(*projects)

    listed = environment.saysel("plugins")
    checked = environment.saysel("check", "quickstart", "--set", "cluster={use: nli, mode: either}")

    assert (listed.returncode, listed.stderr) == (0, "")
    rows = [line.split(maxsplit=4) for line in listed.stdout.splitlines()]
    for project in projects:
        listed_rows = [row[4] for row in rows if row[2] == project.name and row[4]]
        assert bool(listed_rows) == (project.name not in WITHOUT_COMPONENTS), project.name
    assert "cannot be used" not in listed.stdout
    assert checked.returncode == 0, checked.stderr


def test_a_good_plugin_is_listed_shown_and_in_the_schema(good: Environment) -> None:
    listed = good.saysel("plugins")
    assert listed.returncode == 0 and listed.stderr == ""
    rows = [line.split(maxsplit=4) for line in listed.stdout.splitlines()]
    name = "saysel-humble"
    assert ["reward", "humble", name, "1.5"] in [row[:4] for row in rows]
    assert [
        "rationale", "terse", name, "1.5", "Say in five words whether there were rivals."
    ] in rows  # fmt: skip
    options = good.saysel("plugins", "reward.humble")
    assert "factor on the loss of wrong answers" in options.stdout
    shown = good.saysel("show", good.recipe(RECIPE))
    assert shown.returncode == 0, shown.stderr
    assert "use: humble\n    price: 3.0" in shown.stdout
    schema = json.loads(good.saysel("schema").stdout)
    rewards = sorted({*builtins.saysel_rewards(), "humble"})
    assert schema["$defs"]["reward"]["anyOf"][0]["enum"] == rewards


def test_wrong_options_of_a_plugin_are_reported_with_their_path(good: Environment) -> None:
    recipe = good.recipe(RECIPE.replace("price: 3", "prize: 3"), "wrong.yaml")
    said = problems(good.saysel("check", recipe))
    assert "train[1].reward.prize: unknown key; did you mean 'price'? (got 3)" in said


BROKEN = {
    "saysel_boom": ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
    "saysel_typo": (
        MISTYPED,
        "there is no hook saysel_rewardz; did you mean 'saysel_rewards'?",
    ),
    "saysel_poor": (
        "import a_package_that_is_missing",
        "needs the package 'a_package_that_is_missing', which is not installed: "
        "pip install a_package_that_is_missing",
    ),
}


@pytest.mark.parametrize("module", BROKEN)
def test_a_broken_plugin_is_reported_and_others_work(make: Make, module: str) -> None:
    code, said = BROKEN[module]
    environment = make(saysel_humble=GOOD, **{module: code})
    owner = f"plugin {module.replace('_', '-')} 1.5"
    listed = environment.saysel("plugins")
    assert listed.returncode == 0 and listed.stderr == ""
    (line,) = [line for line in listed.stdout.splitlines() if owner in line]
    assert said in line
    # A recipe that does not need it: one line of warning, and the other plugin works.
    shown = environment.saysel("show", environment.recipe(RECIPE))
    assert shown.returncode == 0
    assert "use: humble" in shown.stdout
    (warning,) = shown.stderr.splitlines()
    assert owner in warning and said in warning
    # A recipe that asks for what the broken plugin might have had.
    wanting = environment.recipe(RECIPE.replace("terse", "ters"), "wanting.yaml")
    refused = problems(environment.saysel("check", wanting))
    assert "rationale: no rationale is called 'ters'; did you mean 'terse'?" in refused
    assert said in refused


def test_two_plugins_claiming_one_name(make: Make) -> None:
    environment = make(
        saysel_humble=GOOD,
        saysel_one=CLAIM.replace("MODULE", "saysel_one"),
        saysel_two=CLAIM.replace("MODULE", "saysel_two"),
    )
    claim = (
        "the reward 'contested' is claimed by saysel-one 1.5 (saysel_one:Mine) and "
        "saysel-two 1.5 (saysel_two:Mine)"
    )
    listed = environment.saysel("plugins")
    assert listed.returncode == 0
    assert listed.stdout.count(claim) == 1
    assert claim in problems(environment.saysel("plugins", "reward.contested"))
    contested = environment.recipe(
        RECIPE.replace("{use: humble, price: 3}", "contested"), "contested.yaml"
    )
    assert f"train[1].reward: {claim}" in problems(environment.saysel("check", contested))
    for reward in ("saysel_one", "saysel_two", "humble", "quadratic"):
        shown = environment.saysel("show", contested, "--set", f"train.1.reward={reward}")
        assert (shown.returncode, shown.stderr) == (0, "")


def test_a_run_with_a_third_party_reward_and_rationale(good: Environment) -> None:
    chosen = end_to_end.RECIPE.replace("use: ppo,", "use: ppo, reward: humble,")
    recipe = good.recipe(chosen + "rationale: terse\n", "whole.yaml")
    done = good.saysel("run", recipe, "--out", "out", timeout=300)
    assert done.returncode == 0, done.stderr
    manifest = (good.folder / "out" / "manifest.json").read_text()
    assert "saysel-humble" in manifest
    metrics = json.loads((good.folder / "out" / "report" / "metrics.json").read_text())
    assert {row["model"] for row in metrics["rows"]} >= {"base", "sft", "ppo"}
    import pyarrow.parquet

    rationales = {
        text
        for shard in (good.folder / "out" / "stages").glob("rationale-*/**/*.parquet")
        for text in pyarrow.parquet.read_table(shard).column("text").to_pylist()
    }
    assert rationales and rationales <= {"I see no other way.", "I waver a bit."}
