"""A component that violates its contract ends the run with a line that names it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from saysel import registry
from saysel.errors import ContractError
from saysel.interfaces import KINDS, Judge
from saysel.testing import question
from tests.support import contract_violations, small_plugin
from tests.support.contract_violations import FAULTS
from tests.support.end_to_end import invoke

#: The place of a component of each kind in a recipe.
PLACES = {"clusterer": "cluster", "sampler": "sample", "trainer": "train"}


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    registry.current.cache_clear()
    registry.current().add(small_plugin, "small", "1.0")
    registry.current().add(contract_violations, "careless", "1.0")
    yield
    registry.current.cache_clear()


def recipe(cls: type[Any]) -> dict[str, Any]:
    """A minimal recipe that uses the component."""
    content: dict[str, Any] = {
        "model": "small",
        "source": "small",
        "sample": {"use": "Reader", "n": 4},
        "format": "tags",
        "leaks": "allow",
        "target": "largest_cluster",
        "train": ["small"],
        "evaluate": {"estimators": ["small"], "metrics": ["accuracy"]},
    }
    if cls.kind in ("estimator", "metric"):
        content["evaluate"][f"{cls.kind}s"] = [cls.__name__]
    elif cls.kind == "trainer":
        content["train"] = [cls.__name__]
    elif cls.kind == "sampler":
        content["sample"] = {"use": cls.__name__, "n": 4}
    else:
        content[PLACES.get(cls.kind, cls.kind)] = cls.__name__
    return content


@pytest.mark.parametrize("cls", FAULTS, ids=lambda cls: cls.__name__)
def test_a_violation_ends_the_run(cls: type[Any], tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(json.dumps(recipe(cls)))

    said = invoke("run", tmp_path / "mine.yaml", "--out", tmp_path / "run")

    assert isinstance(said.exception, SystemExit), said.exc_info
    assert said.exit_code in (1, 2)
    line = said.stderr.splitlines()[-1]
    assert f"{cls.kind} '{cls.__name__}'" in line and " returned " in line
    assert f"it must return {cls.MUST}" in line
    assert f"tests.support.contract_violations.{cls.__name__}" in line


def test_every_kind_but_rewards_is_covered() -> None:
    assert {cls.kind for cls in FAULTS} == set(KINDS) - {"reward"}


def test_the_same_recipe_runs_without_a_violation(tmp_path: Path) -> None:
    sound = {**recipe(FAULTS[0]), "sample": {"use": "Reader", "n": 4}}
    (tmp_path / "mine.yaml").write_text(json.dumps(sound))

    said = invoke("run", tmp_path / "mine.yaml", "--out", tmp_path / "run")

    assert said.exit_code == 0, said.output


def test_only_what_the_outermost_class_returns_is_compared() -> None:
    class Verbose(Judge):
        """Returns words."""

        def judge(self, items: Any) -> Any:
            return ["right" for _ in items]

    class Numeric(Verbose):
        """Translates the words of the class that it extends."""

        def judge(self, items: Any) -> Any:
            return [float(word == "right") for word in super().judge(items)]

    items = [(question(), "Paris")]
    assert Numeric().judge(items) == [1.0]
    with pytest.raises(ContractError, match="one correctness from 0 to 1"):
        Verbose().judge(items)
