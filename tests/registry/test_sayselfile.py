"""A `sayselfile.py` next to the recipe is a plugin."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pluggy
import pytest

from saysel import registry
from saysel.interfaces import Component, RewardFn
from saysel.recipes.recipe import load
from tests.support.end_to_end import invoke

FILE = '''
from __future__ import annotations

import saysel
from saysel.interfaces import RewardFn


class Flat(RewardFn):
    """Pays the same for every response."""

    height: float = 1.0

    def reward(self, correct, confidence):
        return [self.height for _ in correct]


@saysel.hookimpl
def saysel_rewards():
    return {"flat": "sayselfile:Flat"}
'''
RECIPE = "{source: witness, train: [{use: ppo, reward: flat}]}"


@pytest.fixture(autouse=True)
def fresh_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No plugins are loaded, and the working directory is empty."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setattr(sys, "path", list(sys.path))
    registry.current.cache_clear()
    yield
    registry.current.cache_clear()
    sys.modules.pop("sayselfile", None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a recipe and the sayselfile that it needs."""
    (tmp_path / "sayselfile.py").write_text(FILE)
    (tmp_path / "mine.yaml").write_text(RECIPE)
    return tmp_path


def reward_of(recipe: Path) -> RewardFn:
    return load(str(recipe)).train[0].reward


def test_a_recipe_uses_the_sayselfile_next_to_it(folder: Path) -> None:
    reward = reward_of(folder / "mine.yaml")

    assert reward.reward([0.0, 1.0], [None, 0.5]) == [1.0, 1.0]
    assert registry.claim("reward", "flat").distribution == str(folder / "sayselfile.py")


def test_otherwise_the_one_in_the_working_directory_is_used(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tmp_path / "elsewhere" / "mine.yaml"
    recipe.write_text(RECIPE)
    monkeypatch.chdir(folder)

    assert reward_of(recipe).use == "flat"
    assert registry.claim("reward", "flat").distribution == "sayselfile.py"


def test_another_recipe_does_not_see_it(folder: Path, tmp_path: Path) -> None:
    load(str(folder / "mine.yaml"))
    other = tmp_path / "elsewhere" / "plain.yaml"
    other.write_text("source: witness")

    load(str(other))

    assert "flat" not in registry.names("reward")


def test_plugins_lists_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for reference in (folder, folder / "mine.yaml"):
        result = invoke("plugins", "reward", "--recipe", reference)
        (row,) = [line for line in result.output.splitlines() if " flat " in line]
        assert f"{folder / 'sayselfile.py'} " in row and "Pays the same" in row
    registry.current.cache_clear()
    assert " flat " not in invoke("plugins", "reward").output

    monkeypatch.chdir(folder)
    registry.current.cache_clear()

    assert " flat " in invoke("plugins", "reward").output
    assert invoke("plugins", "reward.flat").output.startswith(
        "reward.flat (sayselfile:Flat, from sayselfile.py "
    )


def test_an_edited_file_is_run_again(folder: Path) -> None:
    before = registry_digest(folder)

    (folder / "sayselfile.py").write_text(FILE.replace("1.0", "2.0"))

    assert reward_of(folder / "mine.yaml").reward([1.0], [1.0]) == [2.0]
    assert registry_digest(folder) != before


def registry_digest(folder: Path) -> str:
    return registry.source_digest(type(reward_of(folder / "mine.yaml")))


def test_an_unchanged_file_is_run_once(folder: Path) -> None:
    assert type(reward_of(folder / "mine.yaml")) is type(reward_of(folder / "mine.yaml"))


@pytest.mark.parametrize(
    ("code", "line", "problem"),
    [
        ("import saysel\n\ndef (\n", 3, "SyntaxError: invalid syntax"),
        ("import saysel\nx = 1\ny = 1 / 0\n", 3, "ZeroDivisionError: division by zero"),
        ("import no_such_package\n", 1, "ModuleNotFoundError: No module named 'no_such_package'"),
        ("def f():\n    raise SystemExit(3)\n\nf()\n", 2, "SystemExit: 3"),
    ],
)
def test_a_file_that_fails_is_left_out_with_its_line(
    folder: Path, caplog: pytest.LogCaptureFixture, code: str, line: int, problem: str
) -> None:
    (folder / "sayselfile.py").write_text(code)

    with caplog.at_level(logging.WARNING):
        registry.use_sayselfile(folder)
        registry.hooks()

    (message,) = caplog.messages
    assert message.startswith(f"left out: {folder / 'sayselfile.py'}:{line}: {problem}")
    assert "\n" not in message
    assert registry.find("reward", "quadratic")
    with pytest.raises(Exception, match=r"no reward is called 'flat'; .*sayselfile\.py:"):
        registry.find("reward", "flat")


def test_a_wrong_hook_names_the_file(folder: Path) -> None:
    (folder / "sayselfile.py").write_text(FILE.replace('{"flat": "sayselfile:Flat"}', "[Flat]"))

    registry.use_sayselfile(folder)

    row = registry.installed()[-1]
    assert row.error is not None
    assert row.error.startswith(f"{folder / 'sayselfile.py'}: its hook saysel_rewards must return")


def test_a_taken_name_is_an_error(folder: Path) -> None:
    (folder / "sayselfile.py").write_text(FILE.replace('"flat"', '"linear"'))
    registry.use_sayselfile(folder)

    with pytest.raises(Exception, match="'linear' is claimed by saysel") as caught:
        registry.find("reward", "linear")

    assert str(caught.value).endswith(f"rename yours in {folder / 'sayselfile.py'}")


def _rewards(reward: Component) -> list[float]:
    assert isinstance(reward, RewardFn)
    return reward.reward([1.0], [1.0])


def test_processes_of_an_engine_find_it(folder: Path) -> None:
    reward = reward_of(folder / "mine.yaml")

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(_rewards, [reward])) == [[1.0]]


@pytest.mark.parametrize("module", ["reward", "rewards", "rewards.flat", "deep.rewards.flat"])
@pytest.mark.parametrize("helper", ["helper.py", "shared/helper.py"])
def test_code_under_development_is_part_of_the_digest(
    module: str, helper: str, tmp_path: Path
) -> None:
    package = tmp_path / "sources" / "my_plugin"
    *folders, file = module.split(".")
    if module == "rewards":  # the package itself has the class
        folders, file = ["rewards"], "__init__"
    for depth in range(len(folders) + 1):
        folder = package.joinpath(*folders[:depth])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").write_text("")
    (package.joinpath(*folders) / f"{file}.py").write_text(FILE)
    (package / helper).parent.mkdir(exist_ok=True)
    (package / helper).write_text("HEIGHT = 1\n")
    program = (
        f"from my_plugin.{module} import Flat\n"
        "from saysel.registry import source_digest\n"
        "print(source_digest(Flat))"
    )

    def digest() -> str:
        path = os.pathsep.join([str(package.parent), *sys.path])
        return subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    first, again = digest(), digest()
    (package / helper).write_text("HEIGHT = 2\n")

    assert len(first) == 64
    assert first == again
    assert digest() != first


def test_released_packages_and_saysel_have_no_digest() -> None:
    assert registry.source_digest(registry.find("reward", "linear")) == ""
    assert registry.source_digest(pluggy.PluginManager) == ""
