from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

from saysel.commands import timings
from tests.support.end_to_end import invoke

Ship = Callable[..., None]

NOTHING = "import saysel"
SLOW = "import time; time.sleep(0.2)"
HEAVY = "import scipy.stats"
LOUD = "print('I print', end='')"
BROKEN = "import a_package_that_is_missing"
DEADLY = "import os; os._exit(7)"


@pytest.fixture
def ship(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ship:
    """Put a distribution with modules and their entry points on the import path."""
    monkeypatch.setattr(timings, "TRIES", 1)
    monkeypatch.syspath_prepend(tmp_path)

    def write(distribution: str, **modules: str) -> None:
        info = tmp_path / f"{distribution}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
        )
        points = [f"{module} = {module}" for module in modules]
        (info / "entry_points.txt").write_text("\n".join(["[saysel]", *points, ""]))
        for module, code in modules.items():
            (tmp_path / f"{module}.py").write_text(code)
        importlib.invalidate_caches()

    return write


def table() -> tuple[list[list[str]], str]:
    """The rows of the table, and the text below it."""
    result = invoke("plugins", "--timings")
    assert result.exit_code == 0, result.output
    upper, _, below = result.output.partition("\n\n")
    header, *rows = upper.splitlines()
    assert header.split() == ["ms", "from", "hook", "module", "heavy", "packages,", "or", "problem"]
    return [row.split(maxsplit=4) for row in rows], below.strip()


def test_the_slowest_comes_first_and_all_are_summed(ship: Ship) -> None:
    ship("cheap", cheap=NOTHING)
    ship("slow", slow=SLOW)

    rows, below = table()

    assert [row[1:] for row in rows] == [
        ["slow", "1.0", "slow"],
        ["cheap", "1.0", "cheap"],
        ["all", "plugins"],
    ]
    slow, cheap, both = (float(row[0]) for row in rows)
    assert slow >= 200 > cheap
    assert both == pytest.approx(slow + cheap, abs=0.2)
    assert not below


def test_a_distribution_of_several_modules_has_its_own_sum(ship: Ship) -> None:
    ship("slow", a_slow_one=SLOW, later="import a_slow_one")
    ship("cheap", cheap=NOTHING)

    rows, _ = table()

    assert [row[1:] for row in rows] == [
        ["slow", "1.0", "a_slow_one"],
        ["slow", "1.0", "later"],  # what it imports was imported already
        ["slow", "1.0", "all", "2 modules"],
        ["cheap", "1.0", "cheap"],
        ["all", "plugins"],
    ]
    assert float(rows[1][0]) < 100
    assert float(rows[2][0]) == pytest.approx(float(rows[0][0]) + float(rows[1][0]), abs=0.2)


def test_heavy_packages_are_named_with_one_line_of_advice(ship: Ship) -> None:
    ship("careless", careless=HEAVY)
    ship("careful", careful=f"def later():\n    {HEAVY}")

    rows, below = table()

    assert {row[1]: row[4:] for row in rows[:2]} == {"careless": ["scipy"], "careful": []}
    assert below == (
        "careless: every command waits for these heavy packages; import them inside the methods "
        "that need them"
    )


def test_no_plugin_gets_for_free_what_another_has_loaded(ship: Ship) -> None:
    ship("one", one=HEAVY)
    ship("two", two=HEAVY)

    rows, below = table()

    assert [row[4:] for row in rows[:2]] == [["scipy"], ["scipy"]]
    assert sorted(below.partition(":")[0].split(", ")) == ["one", "two"]


def test_broken_plugins_are_reported_and_others_work(ship: Ship) -> None:
    ship("broken", broken=BROKEN)
    ship("deadly", deadly=DEADLY)
    ship("loud", loud=LOUD)

    rows, _ = table()

    told = {row[1]: row[4] if len(row) > 4 else "" for row in rows[:3]}
    assert told["broken"].startswith("ModuleNotFoundError: No module named 'a_package_that_is")
    assert told["deadly"] == "ends Python with exit code 7"
    assert told["loud"] == ""


def test_the_quickest_of_several_tries_counts(
    ship: Ship, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = tmp_path / "count"
    # The first and the last of three are slow.
    ship(
        "moody",
        moody=f"import pathlib, time\ncount = pathlib.Path({str(count)!r})\n"
        "tries = int(count.read_text()) if count.exists() else 0\n"
        "count.write_text(str(tries + 1))\ntime.sleep(0 if tries == 1 else 0.3)",
    )
    monkeypatch.setattr(timings, "TRIES", 3)

    rows, _ = table()

    assert count.read_text() == "3"
    assert float(rows[0][0]) < 300


def test_without_plugins(ship: Ship) -> None:
    assert invoke("plugins", "--timings").output == "no plugins are installed\n"


def test_it_is_about_whole_plugins() -> None:
    result = invoke("plugins", "reward", "--timings")

    assert result.exit_code == 2
    assert result.output == "reward: --timings is about whole plugins; leave out 'reward'\n"
