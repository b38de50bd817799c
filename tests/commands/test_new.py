from __future__ import annotations

import ast
import errno
import os
import sys
from pathlib import Path

import pytest
import yaml

import saysel
from saysel import registry
from saysel.interfaces import KINDS
from saysel.recipes.recipe import load
from saysel.registry import builtins
from saysel.skeletons import writing
from tests.support.end_to_end import invoke

if sys.version_info >= (3, 11):
    import tomllib

pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(*arguments: str) -> str:
    """The one line that a command is refused with; it must leave everything as it was."""
    before = sorted(Path().rglob("*"))
    result = invoke("new", *arguments)
    assert result.exit_code == 2, result.output
    assert sorted(Path().rglob("*")) == before
    (line,) = result.output.splitlines()
    return line


@pytest.mark.parametrize("kind", KINDS)
def test_a_package_of_every_kind_is_whole(kind: str) -> None:
    result = invoke("new", "plugin", "saysel-loud-bets", "--kind", kind)

    assert result.exit_code == 0, result.output
    root = Path("saysel-loud-bets")
    module = root / "saysel_loud_bets"
    tests = root / "tests" / f"test_{kind}.py"
    files = {path for path in root.rglob("*") if path.is_file()}
    assert files == {
        *(root / "pyproject.toml", root / "README.md", tests),
        *(module / "__init__.py", module / f"{kind}.py", module / "py.typed"),
    }
    assert not list(Path().glob(".*"))
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert "$" not in text.replace("\n$ ", "\n"), path
        if path.suffix == ".py":
            ast.parse(text)
    assert f"testing.check_{kind}(" in tests.read_text()
    hook = (module / "__init__.py").read_text()
    assert f"def saysel_{kind}s() -> dict[str, str]:" in hook
    classes = [
        node.name
        for node in ast.parse((module / f"{kind}.py").read_text()).body
        if isinstance(node, ast.ClassDef)
    ]
    assert f'{{"loud_bets": "saysel_loud_bets.{kind}:{classes[0]}"}}' in hook
    readme = (root / "README.md").read_text()
    fragment = readme.partition("```yaml\n")[2].partition("```")[0]
    assert fragment.strip() in result.output
    assert "loud_bets" in str(yaml.safe_load(fragment))
    assert f"saysel plugins {kind}.loud_bets" in result.output


@pytest.mark.skipif(sys.version_info < (3, 11), reason="needs tomllib")
def test_the_project_file_announces_the_module() -> None:
    invoke("new", "plugin", "my-estimates", "--kind", "estimator")

    project = tomllib.loads(Path("my-estimates/pyproject.toml").read_text())

    assert project["project"]["name"] == "my-estimates"
    assert project["project"]["description"] == "An estimator for saysel"
    assert project["project"]["entry-points"]["saysel"] == {"my_estimates": "my_estimates"}


def test_next_steps() -> None:
    assert invoke("new", "plugin", "saysel-humble", "--kind", "reward").output == (
        "saysel-humble: a working plugin of kind reward, with its test. Next:\n"
        "  pip install -e './saysel-humble[dev]'\n"
        "  pytest saysel-humble\n"
        "  saysel plugins reward.humble\n"
        "and in a recipe:\n"
        "  train: [sft, {use: ppo, reward: humble}]\n"
        "Then make it yours: saysel-humble/saysel_humble/reward.py\n"
    )


@pytest.mark.parametrize(
    ("name", "component"),
    [
        *(("saysel-loud-bets", "loud_bets"), ("my-judges", "my_judges"), ("bets", "bets")),
        # What is left would be no name of a class, or nothing that YAML reads as text.
        *(("saysel-3d", "saysel_3d"), ("saysel-null", "saysel_null"), ("saysel-no", "saysel_no")),
    ],
)
def test_recipes_know_a_component_by_its_own_name(name: str, component: str) -> None:
    assert writing.component_name(name) == component


@pytest.mark.parametrize(
    ("component", "kind", "name"),
    [
        *(("loud_bets", "reward", "LoudBetsReward"), ("shy_reward", "reward", "ShyReward")),
        *(("model", "model", "ModelModel"), ("shy", "rationale", "ShyRationaleWriter")),
    ],
)
def test_the_class_has_the_name_of_the_component(component: str, kind: str, name: str) -> None:
    assert writing.class_name(component, kind) == name


@pytest.mark.parametrize(
    ("name", "better"),
    [
        *(("My_Bets", "my-bets"), ("my bets", "my-bets"), ("my--bets", "my-bets")),
        *(("../bets", "bets"), ("3bets", "bets"), ("bets-", "bets"), ("/tmp/bets", "tmp-bets")),
        *(("é", None), ("", None), ("..", None)),
    ],
)
def test_names_that_will_not_do(name: str, better: str | None) -> None:
    said = refusal("plugin", name, "--kind", "reward")

    assert said.startswith(f"{name}: a name has lower-case letters, digits and single hyphens")
    assert said.endswith(f"did you mean '{better}'?") == (better is not None)


@pytest.mark.parametrize("name", ["class", "null", "true", "yes"])
def test_words_that_mean_something_else(name: str) -> None:
    assert f"saysel-{name} would do" in refusal("plugin", name, "--kind", "reward")


@pytest.mark.parametrize("name", ["json", "saysel", "numpy"])
def test_a_module_that_would_hide_another(name: str) -> None:
    assert f"a module '{name}' is installed already" in refusal("plugin", name, "--kind", "reward")


@pytest.mark.parametrize("name", ["scikit-learn", "pyyaml", "types-pyyaml"])
def test_a_distribution_that_would_be_replaced(name: str) -> None:
    said = refusal("plugin", name, "--kind", "reward")

    assert "a package of this name is installed already" in said


def test_the_module_next_to_its_tests() -> None:
    assert "saysel-tests would do" in refusal("plugin", "tests", "--kind", "reward")
    assert invoke("new", "plugin", "saysel-tests", "--kind", "reward").exit_code == 0


@pytest.mark.parametrize("what", [["plugin", "--kind", "reward"], ["recipe"]])
def test_names_that_are_too_long(what: list[str]) -> None:
    said = refusal(*what, "b" * 300)

    assert said.endswith("a name has at most 64 characters (got 300)")
    assert len(said) < 150
    assert invoke("new", *what, "b" * 64).exit_code == 0


def test_a_directory_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object, **options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", closed)
    result = invoke("new", "plugin", "bets", "--kind", "reward")

    assert result.exit_code == 1
    assert result.output.startswith("bets: cannot be written (Permission denied)")
    assert not list(Path().iterdir())


def test_a_name_that_another_plugin_has(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        @staticmethod
        @saysel.hookimpl
        def saysel_rewards() -> dict[str, str]:
            return {"bets": "other.reward:Bets"}

    plugins = registry.Registry()
    plugins.add(Other, "other-bets", "1.0")
    monkeypatch.setattr("saysel.registry.lookup.current", lambda: plugins)

    said = refusal("plugin", "saysel-bets", "--kind", "reward")

    assert "a reward called 'bets' comes with other-bets" in said
    assert invoke("new", "plugin", "saysel-bets", "--kind", "metric").exit_code == 0


def test_a_name_that_comes_with_saysel() -> None:
    said = refusal("plugin", "saysel-quadratic", "--kind", "reward")

    assert "quadratic" in builtins.saysel_rewards()
    assert "a reward called 'quadratic' comes with saysel" in said
    assert invoke("new", "plugin", "saysel-quadratic", "--kind", "metric").exit_code == 0


def test_kinds_that_are_not_there() -> None:
    said = refusal("plugin", "bets", "--kind", "rewards")

    assert said == (
        f"--kind rewards: there is no such kind; did you mean 'reward'? kinds: {', '.join(KINDS)}"
    )
    assert "did you mean" not in refusal("plugin", "bets", "--kind", "zzz")


def test_the_help_names_every_kind() -> None:
    words = invoke("new", "plugin", "--help").output.replace(",", " ").replace(".", " ").split()

    assert set(KINDS) <= set(words)


def test_what_is_there_is_left_alone() -> None:
    Path("bets").mkdir()
    Path("bets/mine.txt").write_text("precious")
    Path("file").write_text("precious")
    Path("link").symlink_to("nowhere")

    assert "the directory is not empty" in refusal("plugin", "bets", "--kind", "reward")
    assert "there is a file of this name" in refusal("plugin", "file", "--kind", "reward")
    assert "there is a file of this name" in refusal("plugin", "link", "--kind", "reward")
    assert Path("bets/mine.txt").read_text() == Path("file").read_text() == "precious"


def test_an_empty_directory_is_filled(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    Path("bets").mkdir()
    # As with `python -m saysel`: an empty directory then passes for a package.
    monkeypatch.syspath_prepend(str(here))

    assert invoke("new", "plugin", "bets", "--kind", "reward").exit_code == 0
    assert Path("bets/bets/reward.py").is_file()


def test_a_full_disk_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_text

    def full(path: Path, text: str, **options: str) -> int:
        if path.name.startswith("test_"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, text, **options)

    monkeypatch.setattr(Path, "write_text", full)
    result = invoke("new", "plugin", "bets", "--kind", "reward")

    assert result.exit_code == 1
    assert result.output.startswith("bets: the disk is full")
    assert not list(Path().iterdir())


# --------------------------------------------------------------------------------- recipes


def test_a_recipe_extends_another() -> None:
    result = invoke("new", "recipe", "mine")

    assert result.exit_code == 0
    assert result.output == (
        "mine.yaml: extends quickstart. Next:\n"
        "  saysel check mine.yaml\n"
        "  saysel run mine.yaml --smoke\n"
    )
    quickstart = load("quickstart").resolved()
    assert load("mine.yaml").resolved() == {**quickstart, "name": "mine"}
    assert len(Path("mine.yaml").read_text().splitlines()) < 15


def test_the_comments_of_a_recipe_load_too() -> None:
    invoke("new", "recipe", "mine")
    text = Path("mine.yaml").read_text()
    head, _, offered = text.partition("# Remove a #")
    lines = [line.removeprefix("# ") for line in offered.splitlines()[1:]]
    assert len(lines) >= 4
    Path("mine.yaml").write_text("\n".join([head, *lines]))

    changed = load("mine.yaml")

    assert changed.sample.n == 40
    assert (changed.cluster.use, changed.target.use) == ("embedding", "largest_cluster")
    assert [one.use for one in changed.evaluate.estimators] == ["verbalized", "p_true"]


def test_a_recipe_extends_one_of_ours_or_a_file() -> None:
    assert invoke("new", "recipe", "mine.yaml", "--extends", "sayself-mistral-7b").exit_code == 0
    assert invoke("new", "recipe", "again", "--extends", "mine.yaml").exit_code == 0

    assert load("again.yaml").model == load("sayself-mistral-7b").model


def test_recipes_that_cannot_be() -> None:
    Path("mine.yaml").write_text("precious")

    assert "mine.yaml: this file is there already" in refusal("recipe", "mine")
    assert "did you mean 'my-recipe'?" in refusal("recipe", "My Recipe")
    said = refusal("recipe", "other", "--extends", "quickstat")
    assert "did you mean 'quickstart'?" in said
    assert Path("mine.yaml").read_text() == "precious"


def test_a_link_planted_next_to_the_target_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    Path(f".bets.{os.getpid()}.tmp").symlink_to(tmp_path / "elsewhere")

    result = invoke("new", "plugin", "bets", "--kind", "reward")

    assert result.exit_code == 1
    assert "File exists" in result.stderr and result.stderr.count("\n") == 1
    assert not any((tmp_path / "elsewhere").iterdir())
