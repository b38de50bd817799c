from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import saysel
from saysel.cli import cli
from saysel.errors import SayselError, UsageError
from saysel.interfaces import KINDS
from saysel.recipes.extends import packaged
from saysel.recipes.text import parse_yaml

COMMANDS = [
    *("run", "check", "show", "plugins", "schema", "report", "ask"),
    *("score", "compare", "export", "new", "serve", "study", "watch"),
]

#: What some packaged recipes need to be complete.
NEEDED = dict.fromkeys(
    ("clusterers", "pararel", "smollm2"), ("--set", "source.path=pararel_data.json")
)

HEAVY = ["torch", "transformers", "trl", "peft", "datasets", "pyarrow", "sklearn", "pandas"]


pytestmark = pytest.mark.usefixtures("small_parts")


@pytest.fixture
def small_recipe(tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "{model: small, source: small, sample: small, evaluate: {estimators: [small]}, "
        "train: [{use: small, reward: linear}]}"
    )
    return str(path)


def saysel_says(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, prog_name="saysel")


def test_every_command_has_help_with_an_example() -> None:
    assert cli.list_commands(click.Context(cli)) == sorted(COMMANDS)
    for command in COMMANDS:
        result = saysel_says(command, "--help")
        assert result.exit_code == 0
        assert re.search(rf"Examples?:\n +saysel {command}", result.output)


def test_version() -> None:
    assert saysel_says("--version").output == f"saysel {saysel.__version__}\n"


def modules_after(*arguments: str) -> set[str]:
    """The modules that a successful command loads, in a separate Python."""
    code = (
        "import sys\nfrom saysel.cli import cli\n"
        "code = cli(sys.argv[1:], prog_name='saysel', standalone_mode=False)\n"
        "assert not code, code\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    modules = set(done.stderr.splitlines())
    assert "saysel.cli" in modules
    return modules


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_loads_nothing_heavy(command: str) -> None:
    loaded = modules_after(*filter(None, [command]), "--help")
    assert loaded.isdisjoint([*HEAVY, "numpy", "pydantic", "rich"])


@pytest.mark.parametrize("recipe", packaged())
def test_show_of_a_packaged_recipe_loads_nothing_heavy(recipe: str) -> None:
    assert modules_after("show", recipe, *NEEDED.get(recipe, ())).isdisjoint(HEAVY)


def test_check_loads_nothing_heavy() -> None:
    assert modules_after("check", "quickstart").isdisjoint(["torch", "transformers", "trl", "peft"])


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="needs the time of a single process")
def test_help_is_quick() -> None:
    def seconds() -> float:
        with subprocess.Popen(
            [sys.executable, "-m", "saysel", "--help"], stdout=subprocess.DEVNULL
        ) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return usage.ru_utime + usage.ru_stime

    # About 0.2 s of one core; several times that where other processes share its caches.
    assert min(seconds() for _ in range(3)) < 1


# --------------------------------------------------------------------------- show, schema


def test_show_prints_the_recipe_with_its_defaults(small_recipe: str, tmp_path: Path) -> None:
    result = saysel_says("show", small_recipe, "--set", "train.0.steps=3", "--set", "seed=5")
    assert result.exit_code == 0
    shown = parse_yaml(result.output)
    assert shown["train"][0]["steps"] == 3
    assert shown["cluster"]["use"] == "exact"
    (tmp_path / "again.yaml").write_text(result.output)
    assert saysel_says("show", str(tmp_path / "again.yaml")).output == result.output


def test_problems_are_lines_on_stderr_and_exit_code_2(small_recipe: str) -> None:
    result = saysel_says("show", small_recipe, "--set", "seed=-1", "--set", "sede=1")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        f"{small_recipe}: 2 problems",
        "  --set sede: a recipe has no key 'sede'; did you mean 'seed'?",
        "  seed: must be greater than or equal to 0 (got -1)",
    ]


@pytest.mark.parametrize(
    "arguments", [("show",), ("nothing",), ("run", "x", "--until", "never"), ("ask", "x")]
)
def test_a_wrong_command_line_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    assert saysel_says(*arguments).exit_code == 2


def test_schema_prints_json() -> None:
    result = saysel_says("schema")
    assert result.exit_code == 0
    assert "trainer.small" in json.loads(result.output)["$defs"]


# -------------------------------------------------------------------------------- plugins


def test_plugins_lists_everything_with_where_it_is_from() -> None:
    result = saysel_says("plugins")
    assert result.exit_code == 0
    rows = [line.split() for line in result.output.splitlines()]
    assert rows[0] == ["kind", "name", "from", "what"]
    assert {row[0] for row in rows[1:] if row and row[0] in KINDS} == set(KINDS)
    assert ["reward", "small", "small", "1.0", "Mean"] in [row[:5] for row in rows]
    assert ["reward", "linear", "saysel", saysel.__version__] in [row[:4] for row in rows]


def test_plugins_of_one_kind() -> None:
    lines = saysel_says("plugins", "reward").output.splitlines()
    names = [line.split()[1] for line in lines[1:] if line.startswith("reward ")]
    assert names == sorted(names) and {"linear", "quadratic", "small"} <= set(names)
    assert len(lines) == 1 + len(names)


def test_plugins_of_one_component_shows_its_options() -> None:
    output = saysel_says("plugins", "trainer.small").output
    assert output.startswith(
        "trainer.small (tests.support.small_plugin:SmallTrainer, from small 1.0)\n"
    )
    assert "Returns the model unchanged." in output
    rows = {line.split()[0]: re.split(r"  +", line) for line in output.splitlines() if line}
    assert rows["steps"][:4] == ["steps", "int", "10", "training steps"]
    assert rows["steps"][4].strip() == ">= 1"
    assert rows["learning_rate"][1:3] == ["number", "1e-05"]
    assert rows["reward"][1:3] == ["reward", "quadratic"]
    assert rows["critic"][1:3] == ["reward or null", "null"]
    assert "use" not in rows
    sampler = saysel_says("plugins", "sampler.small").output
    assert "prompts at a time (changes speed only)" in sampler
    assert ">= 1, <= 64" in sampler


def test_plugins_that_do_not_exist() -> None:
    result = saysel_says("plugins", "rewards")
    assert result.exit_code == 2
    assert result.stderr.startswith("no kind of component is called 'rewards'; did you mean 'rew")
    result = saysel_says("plugins", "reward.quadritic")
    assert result.exit_code == 2
    assert "did you mean 'quadratic'?" in result.stderr


# ----------------------------------------------------------------------------- exit codes


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (SayselError("the disk is full"), 1, "the disk is full\n"),
        (UsageError("no such thing"), 2, "no such thing\n"),
        (KeyboardInterrupt(), 130, "interrupted; run the same command again to continue\n"),
    ],
)
def test_how_commands_end(error: BaseException, code: int, said: str) -> None:
    @cli.command()
    def fails() -> None:
        raise error

    try:
        result = saysel_says("fails")
    finally:
        del cli.commands["fails"]
    assert (result.exit_code, result.stderr, result.stdout) == (code, said, "")


def test_anything_else_is_a_traceback() -> None:
    @click.command()
    def fails() -> None:
        raise ZeroDivisionError

    cli.add_command(fails)
    try:
        assert isinstance(saysel_says("fails").exception, ZeroDivisionError)
    finally:
        del cli.commands["fails"]
