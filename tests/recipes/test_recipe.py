from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import saysel
from saysel import registry
from saysel.errors import PluginError, RecipeError, UsageError
from saysel.recipes import recipe
from saysel.recipes.evaluate import METRICS
from saysel.recipes.extends import packaged
from saysel.recipes.recipe import Recipe, load
from saysel.recipes.text import dump_yaml, parse_yaml
from saysel.registry.builtins import saysel_metrics
from tests.support import small_plugin

BASE = """
model: small
source: {use: small, train: 50}
sample: {use: small, n: 5}
train:
  - small
  - {use: small, steps: 20, reward: linear}
evaluate: {estimators: [small]}
"""

Write = Callable[..., str]


pytestmark = pytest.mark.usefixtures("small_parts")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str = BASE, name: str = "mine.yaml") -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return write


def problems_of(reference: str, *overrides: str) -> tuple[str, ...]:
    with pytest.raises(RecipeError) as caught:
        load(reference, overrides)
    assert caught.value.exit_code == 2
    return caught.value.problems


def part(loaded: Recipe, index: int) -> Any:
    return loaded.train[index]


# ------------------------------------------------------------------------------- defaults


def test_missing_keys_take_their_defaults(write: Write) -> None:
    loaded = load(write())
    assert (loaded.name, loaded.seed, loaded.matrix) == ("mine", 0, {})
    used = {key: getattr(loaded, key).use for key in ("cluster", "rationale", "target", "engine")}
    assert used == {
        "cluster": "exact",
        "rationale": "template",
        "target": "correct_cluster",
        "engine": "local",
    }
    assert (loaded.format.use, loaded.judge.use) == ("sayself", "match")
    assert (loaded.evaluate.split, loaded.evaluate.temperature) == ("heldout", 0.7)
    assert {metric.use for metric in loaded.evaluate.metrics} <= set(saysel_metrics())
    assert len(loaded.evaluate.metrics) == len(METRICS)
    assert loaded.report.title is None
    assert [phase.use for phase in loaded.train] == ["small", "small"]
    assert part(loaded, 1).reward.use == "linear"


def test_a_recipe_without_training_is_complete(write: Write) -> None:
    assert (
        load(
            write(
                "model: small\nsource: small\nsample: small\ntrain:\n"
                "evaluate: {estimators: [small]}"
            )
        ).train
        == ()
    )


def test_resolved_writes_everything_out_and_loads_to_an_equal_recipe(write: Write) -> None:
    loaded = load(write(BASE + "matrix: {seed: [0, 1], train.1.reward: [linear, quadratic]}\n"))
    resolved = loaded.resolved()
    assert list(resolved) == list(Recipe.model_fields)
    assert resolved["train"][1] == {
        "use": "small",
        "steps": 20,
        "learning_rate": 1e-5,
        "reward": {"use": "linear"},
        "critic": None,
    }
    assert resolved["sample"]["batch_size"] == 8
    again = load(write(dump_yaml(resolved), "again.yaml"))
    assert again == loaded
    assert again.resolved() == resolved


def test_what_may_be_a_secret_is_not_repeated(write: Write) -> None:
    sampler = "sample={use: small, headers: {auth: planted}, a_token: planted}"
    told = "\n".join(
        [
            *problems_of(write(BASE), sampler),
            *problems_of(write(BASE), "sample.api_key='planted", "sample.n"),
        ]
    )

    told += "\n".join(problems_of(write(BASE), "sample={api_key: planted}"))
    assert "sample: needs 'use'" in told
    assert "sample.headers: unknown key" in told and "--set sample.api_key: " in told
    assert "--set sample.n: write it as path=value" in told
    assert "planted" not in told


def test_a_recipe_is_frozen(write: Write) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(write()).seed = 3


# ------------------------------------------------------------------------------- problems


def test_all_problems_are_reported_at_once_with_their_place(write: Write) -> None:
    wrong = problems_of(
        write(
            """
seed: -1
sed: 3
model: smal
source: {use: small, trian: 5}
sample: {use: small, n: many, batch_size: 65}
cluster: [exact]
train:
  - {use: small, learning_rate: -1, reward: {use: small, weight: 0, members: [qadratic]}}
  - 7
evaluate: {estimators: [small], temprature: 1, metrics: []}
"""
        )
    )
    lines = "\n".join(wrong)
    for line in (
        "seed: must be greater than or equal to 0 (got -1)",
        "sed: unknown key; did you mean 'seed'? (got 3)",
        "model: no model is called 'smal'; did you mean 'small'?; installed: ",
        "source.trian: unknown key; did you mean 'train'? (got 5)",
        "sample.n: must be an integer (got 'many')",
        "sample.batch_size: must be less than or equal to 64 (got 65)",
        "cluster: must be the name of a clusterer, or a mapping with 'use' (got ['exact'])",
        "train[0].learning_rate: must be greater than 0 (got -1)",
        "train[0].reward.weight: must be greater than 0 (got 0)",
        "train[0].reward.members[0]: no reward is called 'qadratic'; did you mean 'quadratic'?",
        "train[1]: must be the name of a trainer, or a mapping with 'use' (got 7)",
        "evaluate.temprature: unknown key; did you mean 'temperature'? (got 1)",
        "evaluate.metrics: must have at least 1 item",
    ):
        assert line in lines
    assert len(wrong) == 13


def test_the_head_line_names_the_recipe_and_counts(write: Write) -> None:
    path = write("seed: 1\nmodel: small\nevaluate: {estimators: [small]}")
    with pytest.raises(RecipeError) as caught:
        load(path)
    assert str(caught.value) == f"{path}: 1 problem\n  source: is required"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: small", "train: must be a list (got 'small')"),
        ("evaluate: 3", "evaluate: must be a mapping"),
        ("name: a/b", "name: must match pattern"),
        ("sample: {n: 3}", "sample: needs 'use', the name of a sampler: anthropic, openai, "),
        ("matrix: [1]", "matrix: must be a mapping (got [1])"),
        ("matrix: {seed: 1}", "matrix: 'seed' must be a list of values, or a mapping of named"),
        ("matrix: {size: {small: 3}}", "matrix: 'size': the setting 'small' must map paths to"),
        ("matrix: {size: {small: {}}}", "matrix: 'size': no setting sets anything"),
        ("matrix: {size: {'a,b': {seed: 1}}}", "a setting needs a name without commas (got 'a,b')"),
        ("matrix: {size: {}}", "matrix: 'size' needs at least one value"),
        (
            "matrix: {'seed, source.train': [0], source.train: [1]}",
            "matrix: 'source.train' is set by 'seed, source.train' and by 'source.train'",
        ),
        ("matrix: {seed: []}", "matrix: 'seed' needs at least one value"),
        ("matrix: {seed: [1, 1]}", "matrix: 'seed' has a value twice: 1, 1"),
        ("matrix: {name: [a, b]}", "matrix: 'name' cannot differ between cells"),
        ("report: {title: 3}", "report.title: must be a string (got 3)"),
    ],
)
def test_problems_in_words(write: Write, text: str, message: str) -> None:
    key = text.partition(":")[0]
    kept = {k: v for k, v in parse_yaml(BASE).items() if k != key}
    assert any(message in line for line in problems_of(write(dump_yaml(kept) + text)))


def test_long_values_are_cut(write: Write) -> None:
    (line,) = problems_of(write(BASE + f"seed: {'x' * 500}\n"))
    assert len(line) < 120


def test_an_unknown_key_in_evaluate_is_compared_with_its_own_keys(write: Write) -> None:
    (line,) = problems_of(write(BASE.replace("{estimators", "{slit: dev, estimators")))
    assert line.startswith("evaluate.slit: unknown key; did you mean 'split'?")


# ----------------------------------------------------------------------------- references


class Bringing(NamedTuple):
    """A plugin that brings recipes and nothing else."""

    recipes: dict[str, str]

    @saysel.hookimpl
    def saysel_recipes(self) -> dict[str, str]:
        return self.recipes


def bring(name: str, **recipes: str) -> None:
    registry.current().add(Bringing(recipes), name, "1.0")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package with a folder of recipes, on the import path as `recipe_bearer`."""
    (tmp_path / "recipe_bearer" / "recipes").mkdir(parents=True)
    (tmp_path / "recipe_bearer" / "__init__.py").write_text("")
    (tmp_path / "recipe_bearer" / "recipes" / "packed.yaml").write_text(BASE)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "recipe_bearer"
    sys.modules.pop("recipe_bearer", None)


def test_every_recipe_of_ours_is_announced() -> None:
    folder = Path(recipe.__file__).parent
    files = sorted(folder.glob("*.yaml"))
    assert [registry.recipe(name) for name in packaged()] == files
    assert len(files) >= 6


def test_a_plugin_brings_recipes(package: Path, write: Write) -> None:
    bring("bearer", packed="recipe_bearer:recipes/packed.yaml")
    assert "packed" in packaged()
    assert load("packed").sample.n == 5
    assert load(write("extends: packed\nseed: 3\n")).seed == 3
    with pytest.raises(
        UsageError, match=rf"did you mean 'packed'\? packaged: {', '.join(packaged())}"
    ):
        load("paked")


def test_recipes_of_plugins_that_cannot_be_used(package: Path) -> None:
    bring("bearer", packed="recipe_bearer:recipes/packed.yaml", lost="recipe_bearer:lost.yaml")
    bring("rival", packed="recipe_bearer:recipes/packed.yaml")
    with pytest.raises(PluginError, match=r"the recipe 'packed' is claimed by bearer 1.0 .*rival"):
        load("packed")
    with pytest.raises(PluginError, match=r"'lost' is declared as recipe_bearer:lost.yaml, which"):
        load("lost")
    assert load("quickstart").name == "quickstart"
    for wrong in ("packed.yaml", "recipe_bearer:packed", "recipe bearer:packed.yaml"):
        with pytest.raises(PluginError, match=r"names to 'package:folder/file\.yaml'"):
            bring("third", other=wrong)


def test_no_such_recipe(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"quikstart: no such file.*did you mean 'quickstart'\?"):
        load("quikstart")
    with pytest.raises(UsageError, match=r"nowhere\.yaml: no such file$"):
        load(str(tmp_path / "nowhere.yaml"))


def test_files_that_are_no_recipe(write: Write, tmp_path: Path) -> None:
    for text, message in (
        ("", "is empty"),
        ("# nothing\n", "is empty"),
        ("- a\n- b\n", "must be a mapping of keys to values, but is a list"),
        ("just words", "but is a string"),
        ("a: [1, 2\nb: 3", "not a YAML file: line 2: "),
        ("seed: 1\nname: x\nseed: 2\n", "line 3: the key 'seed' was already given on line 1"),
        ("source: {use: a, train: 1,\n  train: 2}", "line 2: the key 'train' was already given"),
        ("1: 2", "the key 1 must be a string"),
        ("a: !!python/object:os.system x", "not a YAML file: line 1"),
    ):
        with pytest.raises(UsageError) as caught:
            load(write(text))
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)
        assert caught.value.exit_code == 2
    (tmp_path / "latin.yaml").write_bytes("seed: 1\nname: Grün\n".encode("latin-1"))
    with pytest.raises(UsageError, match=r"line 2 is not UTF-8 \(byte 0xfc\)"):
        load(str(tmp_path / "latin.yaml"))
    with pytest.raises(UsageError, match="is a directory"):
        load(str(tmp_path))


# --------------------------------------------------------------------------------- extends


def test_extends_merges_mappings_and_replaces_lists_and_other_components(write: Write) -> None:
    write(BASE + "seed: 4\nname: base\nreport: {title: Base}\n", "base.yaml")
    loaded = load(
        write(
            """
extends: base.yaml
source: {train: 7}
sample: {use: small, batch_size: 2}
train: [{use: small, reward: {use: small, weight: 2}}]
report: {}
"""
        )
    )
    assert (loaded.name, loaded.seed, loaded.report.title) == ("mine", 4, "Base")
    assert loaded.source.model_dump() == {"use": "small", "train": 7}
    assert loaded.sample.n == 5
    assert loaded.sample.model_dump()["batch_size"] == 2
    assert len(loaded.train) == 1
    other = load(write("extends: mine.yaml\nmodel: {use: scratch}\nseed:\n", "other.yaml"))
    assert other.model.use == "scratch"
    assert "path" not in other.resolved()["model"]
    assert (other.name, other.seed) == ("other", 0)  # `seed:` left empty is the default again


def test_a_bare_name_keeps_the_options_only_of_the_same_component(write: Write) -> None:
    write(BASE, "base.yaml")
    assert load(write("extends: base.yaml\nsample: small\n")).sample.n == 5
    wrong = problems_of(write("extends: base.yaml\nsample: {n: 3, use: othr}\n"))
    assert wrong[0].startswith("sample: no sampler is called 'othr'")


def test_extends_goes_by_packaged_name_and_refuses_circles(package: Path, write: Write) -> None:
    bring("bearer", packed="recipe_bearer:recipes/packed.yaml")
    assert load("packed").name == "packed"
    assert load(write("extends: packed\n")).sample.n == 5
    write("extends: b.yaml\n", "a.yaml")
    with pytest.raises(
        UsageError, match=r"extends goes in a circle: .*b\.yaml -> .*a\.yaml -> .*b\.yaml"
    ):
        load(write("extends: a.yaml\n", "b.yaml"))
    with pytest.raises(UsageError, match="extends must be one name or path"):
        load(write("extends: [a, b]\n"))
    with pytest.raises(UsageError, match=r"gone\.yaml: no such file"):
        load(write("extends: gone.yaml\n"))


# ----------------------------------------------------------------------------------- --set


@pytest.mark.parametrize(
    ("override", "place", "value"),
    [
        ("seed=7", ("seed",), 7),
        ("train.1.reward=quadratic", ("train", 1, "reward", "use"), "quadratic"),
        ("train[0].learning_rate=1e-3", ("train", 0, "learning_rate"), 1e-3),
        ("train.0.reward.use=linear", ("train", 0, "reward", "use"), "linear"),
        ("source.train=3", ("source", "train"), 3),
        ("source={use: small, train: 9}", ("source", "train"), 9),
        ("cluster=exact", ("cluster", "use"), "exact"),
        ("evaluate.temperature=0", ("evaluate", "temperature"), 0.0),
        ("evaluate.estimators.0.n=3", ("evaluate", "estimators", 0, "n"), 3),
        ("evaluate.metrics.2=auroc", ("evaluate", "metrics", 2, "use"), "auroc"),
        ("report.title=A = B", ("report", "title"), "A = B"),
        ("name=other", ("name",), "other"),
    ],
)
def test_set(write: Write, override: str, place: tuple[str | int, ...], value: object) -> None:
    found: Any = load(write(), [override]).resolved()
    for step in place:
        found = found[step]
    assert found == value


def test_set_reaches_options_of_a_component_that_is_there_by_default(write: Write) -> None:
    loaded = load(write(), ["train.0.reward={use: small}", "train.0.reward.weight=3"])
    assert part(loaded, 0).reward.weight == 3
    (line,) = problems_of(write(), "train.0.reward.weight=3")
    assert line.startswith("--set train.0.reward.weight: train[0].reward has no key 'weight'")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "--set seed: write it as path=value"),
        ("trian.0.steps=3", "a recipe has no key 'trian'; did you mean 'train'?"),
        ("train.0.step=3", "train[0] has no key 'step'; did you mean 'steps'?"),
        ("train.2.steps=3", "train has 2 entries, 0 to 1; there is no 2"),
        ("train.x=3", "train is a list: give a number from 0 to 1, not 'x'"),
        ("seed.x=3", "seed is 0, which has no parts"),
        ("extends=quickstart", "a recipe has no key 'extends'"),
        ("train..x=3", "'train..x' is not a path like train[1].reward"),
        ("=3", "'' is not a path"),
        ("train=[1", "--set train: line 1: "),
        ("train.0.steps=none", "train[0].steps: must be an integer (got 'none')"),
        ("matrix.sed=[1]", "matrix (sed=1): sed: a recipe has no key 'sed'; did you mean 'seed'?"),
    ],
)
def test_set_that_cannot_be_done(write: Write, override: str, message: str) -> None:
    text = BASE + "seed: 0\n"
    assert any(message in line for line in problems_of(write(text), override))


def test_bad_overrides_are_reported_together_with_the_rest(write: Write) -> None:
    wrong = problems_of(write(BASE + "sed: 1\n"), "trian=3", "seed=-1")
    assert [line.partition(":")[0] for line in wrong] == ["--set trian", "seed", "sed"]


# ---------------------------------------------------------------------------------- matrix


def test_without_a_matrix_there_is_one_cell(write: Write) -> None:
    loaded = load(write())
    assert loaded.cells() == [("", loaded)]


def test_a_matrix_makes_every_combination(write: Write) -> None:
    loaded = load(
        write(
            BASE
            + "matrix:\n"
            + "  train.1.reward: [linear, {use: small, weight: 2.0}]\n"
            + "  source.train: [10, 20]\n"
            + "  seed: [3]\n"
        )
    )
    cells = dict(loaded.cells())
    assert list(cells) == [
        "reward=linear,train=10,seed=3",
        "reward=linear,train=20,seed=3",
        "reward=small weight=2.0,train=10,seed=3",
        "reward=small weight=2.0,train=20,seed=3",
    ]
    cell = cells["reward=small weight=2.0,train=20,seed=3"]
    assert (cell.name, cell.seed, cell.matrix) == ("mine", 3, {})
    assert part(cell, 1).reward.weight == 2.0
    assert part(cell, 1).steps == 20
    assert cell.source.model_dump()["train"] == 20
    assert len({str(cell.resolved()) for cell in cells.values()}) == 4


def test_paths_of_one_key_get_the_same_value(write: Write) -> None:
    loaded = load(write(BASE + "matrix: {'seed, source.train': [3, 4]}\n"))
    cells = loaded.cells()
    assert [label for label, _ in cells] == ["seed=3", "seed=4"]
    assert [(c.seed, c.source.model_dump()["train"]) for _, c in cells] == [(3, 3), (4, 4)]
    assert load(loaded.resolved()).cells() == cells


def test_named_settings_set_several_paths(write: Write) -> None:
    loaded = load(
        write(
            BASE
            + "matrix:\n"
            + "  size:\n"
            + "    small: {source.train: 10, train.0.steps: 1}\n"
            + "    large: {source.train: 20, train.0.steps: 2, sample.n: 7}\n"
        )
    )
    (first, small), (second, large) = loaded.cells()
    assert (first, second) == ("size=small", "size=large")
    assert (small.source.model_dump()["train"], part(small, 0).steps) == (10, 1)
    assert (large.source.model_dump()["train"], part(large, 0).steps, large.sample.n) == (20, 2, 7)
    assert load(loaded.resolved()).cells() == loaded.cells()


def test_lists_in_a_matrix_have_labels(write: Write) -> None:
    text = BASE + "matrix: {train: [[], [small], [small, {use: small, steps: 3}]]}\n"
    assert [label for label, _ in load(write(text)).cells()] == [
        "train=none",
        "train=small",
        "train=small+small steps=3",
    ]


def test_a_setting_of_a_matrix_may_leave_the_recipe_as_it_is(write: Write) -> None:
    text = BASE + "matrix: {size: {plain: {}, seeded: {seed: 5}}, seed_of: {a: {}, b: {}}}\n"
    assert "matrix: 'seed_of': no setting sets anything" in problems_of(write(text))[0]
    loaded = load(write(BASE + "matrix: {size: {plain: {}, seeded: {seed: 5}}}\n"))
    plain, seeded = loaded.cells()
    assert plain == ("size=plain", loaded.model_copy(update={"matrix": {}}))
    assert (seeded[0], seeded[1].seed) == ("size=seeded", 5)


def test_a_problem_of_many_cells_is_one_problem(write: Write) -> None:
    wrong = problems_of(write(BASE + "matrix: {cluster: [exact, exat], seed: [1, 2, 3]}\n"))
    assert len(wrong) == 1
    assert wrong[0].startswith("matrix (cluster=exat,seed=1 and 2 more cells): cluster: no ")


def test_problems_of_cells_are_reported_when_the_recipe_is_loaded(write: Write) -> None:
    wrong = problems_of(write(BASE + "matrix: {cluster: [exact, exat], train.7.steps: [1]}\n"))
    assert "matrix (cluster=exact,steps=1 and 1 more cell): train.7.steps: train has 2" in wrong[0]
    assert any("cluster: no clusterer is called 'exat'; did you mean 'exact'" in w for w in wrong)


# ----------------------------------------------------------------------------------- smoke


def test_smoke_makes_every_component_small_nested_ones_too(write: Write) -> None:
    nested = "{use: small, members: [{use: small, weight: 5}]}"
    loaded = load(write(BASE.replace("reward: linear", f"reward: {nested}")))
    small = loaded.smoke()
    assert small.name == "mine-smoke"
    assert (part(small, 0).steps, part(small, 1).steps) == (1, 1)
    assert part(small, 1).reward.members[0].weight == 5
    assert small.source.model_dump()["train"] == 4
    assert small.sample.n == loaded.sample.n
    assert loaded.source.model_dump()["train"] == 50
    assert Recipe.model_validate(small.resolved()).resolved() == small.resolved()


def test_smoke_reaches_nested_components(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        small_plugin.SmallReward, "smoke", lambda self: self.model_copy(update={"weight": 0.5})
    )
    text = BASE.replace("reward: linear", "critic: {use: small, members: [small, linear]}")
    critic = part(load(write(text)).smoke(), 1).critic
    assert critic.weight == 0.5
    assert critic.members[0].weight == 0.5
    assert critic.members[1].use == "linear"


def test_the_cells_of_a_smoke_recipe_are_small(write: Write) -> None:
    text = BASE + "matrix: {source.train: [1000, 2000], train: [[small], [small, small]]}\n"
    small = load(write(text)).smoke()
    cells = small.cells()
    assert cells[0][0] == "source.train=1000,train=small"
    assert len(cells) == 4
    for _, cell in cells:
        assert cell.name == "mine-smoke"
        assert cell.source.model_dump()["train"] == 4
        assert all(phase.model_dump()["steps"] == 1 for phase in cell.train)
