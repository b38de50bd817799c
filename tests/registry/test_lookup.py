from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

import saysel
from saysel import hookspecs, registry
from saysel.errors import PluginError
from saysel.interfaces import KINDS, RewardFn
from saysel.registry import builtins
from saysel.rewards.quadratic import QuadraticReward
from tests.support import small_plugin


@pytest.fixture
def plugins() -> Iterator[registry.Registry]:
    registry.current.cache_clear()
    yield registry.current()
    registry.current.cache_clear()


Ship = Callable[..., None]


@pytest.fixture
def ship(
    plugins: registry.Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Ship]:
    """Put a distribution with a module and an entry point on the import path."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, code: str) -> None:
        (tmp_path / f"{name}.py").write_text(code)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[saysel]\n{name} = {name}\n")
        importlib.invalidate_caches()

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def message_of(kind: str, spec: object) -> str:
    with pytest.raises(PydanticCustomError) as caught:
        registry.build(kind, spec)
    assert caught.value.type == "component"
    return caught.value.message()


GOOD = """
import saysel
from saysel.interfaces import RewardFn

class Flat(RewardFn):
    '''Pays one for everything.

    More words.
    '''
    def reward(self, correct, confidence):
        return [1.0] * len(correct)

@saysel.hookimpl
def saysel_rewards():
    return {"flat": "PLUGIN:Flat"}
"""


def good(name: str) -> str:
    return GOOD.replace("PLUGIN", name)


def test_one_hook_per_kind_and_the_built_in_ones_use_them() -> None:
    for kind in KINDS:
        assert hasattr(hookspecs, f"saysel_{kind}s")
        assert hasattr(builtins, f"saysel_{kind}s")


def test_a_name_a_mapping_and_a_component_build_the_same(plugins: registry.Registry) -> None:
    by_name = registry.build("reward", "quadratic")
    assert by_name == registry.build("reward", {"use": "quadratic"})
    assert isinstance(by_name, QuadraticReward)
    assert by_name.use == "quadratic"
    assert registry.build("reward", by_name) is by_name


def test_nested_components_are_built(plugins: registry.Registry) -> None:
    plugins.add(small_plugin, "small", "1.0")
    built = registry.build("reward", {"use": "small", "members": ["linear", {"use": "small"}]})
    assert isinstance(built, small_plugin.SmallReward)
    assert [member.use for member in built.members] == ["linear", "small"]


def test_wrong_options_carry_the_inner_errors(plugins: registry.Registry) -> None:
    plugins.add(small_plugin, "small", "1.0")
    with pytest.raises(PydanticCustomError) as caught:
        registry.build("reward", {"use": "small", "weight": -1, "wight": 2})
    assert caught.value.type == "component_options"
    assert caught.value.context is not None
    cause = caught.value.context["cause"]
    assert isinstance(cause, ValidationError)
    assert {detail["loc"] for detail in cause.errors()} == {("weight",), ("wight",)}
    assert caught.value.context["model"] is small_plugin.SmallReward


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (3, "must be the name of a reward, or a mapping with 'use'"),
        (["quadratic"], "must be the name of a reward"),
        ({}, f"needs 'use', the name of a reward: {', '.join(sorted(builtins.saysel_rewards()))}"),
        ({"use": 5}, "needs 'use'"),
        ("qadratic", "no reward is called 'qadratic'; did you mean 'quadratic'?; installed: "),
        ("{kind}", "no reward is called '{kind}'"),
    ],
)
def test_invalid_specs_are_refused(plugins: registry.Registry, spec: object, said: str) -> None:
    assert said in message_of("reward", spec)


def test_an_installed_plugin_is_found_listed_and_called(ship: Ship) -> None:
    ship(
        "acme",
        good("acme") + "seen = []\n@saysel.hookimpl\ndef saysel_run_finished(directory):\n"
        "    seen.append(directory)\n",
    )
    assert issubclass(registry.find("reward", "flat"), RewardFn)
    assert registry.names("reward") == sorted({*builtins.saysel_rewards(), "flat"})
    row = next(row for row in registry.installed() if row.name == "flat")
    assert row == ("reward", "flat", "acme:Flat", "acme", "1.0", "Pays one for everything.", None)
    registry.hooks().saysel_run_finished(directory=Path("x"), metrics={})
    assert sys.modules["acme"].seen == [Path("x")]


BROKEN = {
    "import error": (
        "raise ValueError('boom\\nand more')",
        "plugin bad 1.0 cannot be imported (bad): ValueError: boom and more; update it, or: "
        "pip uninstall bad",
    ),
    "leaves the process": (
        "import sys; sys.exit(3)",
        "plugin bad 1.0 cannot be imported (bad): SystemExit: 3;",
    ),
    "syntax error": ("def (", "plugin bad 1.0 cannot be imported (bad): SyntaxError: "),
    "missing dependency": (
        "import no_such_package.inside",
        "plugin bad 1.0 needs the package 'no_such_package', which is not installed: "
        "pip install no_such_package",
    ),
    "mistyped hook": (
        "import saysel\n@saysel.hookimpl\ndef saysel_reward():\n    return {}\n",
        "plugin bad 1.0: there is no hook saysel_reward; did you mean 'saysel_rewards'?",
    ),
    "hook without its mark": (
        "def saysel_rewards():\n    return {}\n",
        "plugin bad 1.0: saysel_rewards lacks the mark @saysel.hookimpl",
    ),
    "hook with a wrong argument": (
        "import saysel\n@saysel.hookimpl\ndef saysel_run_finished(folder):\n    pass\n",
        "plugin bad 1.0: PluginValidationError: ",
    ),
    "hook that fails": (
        "import saysel\n@saysel.hookimpl\ndef saysel_rewards():\n    return {}['x']\n",
        "plugin bad 1.0: its hook saysel_rewards fails: KeyError: 'x'",
    ),
    "hook that returns a list": (
        "import saysel\n@saysel.hookimpl\ndef saysel_rewards():\n    return ['bad:Flat']\n",
        "plugin bad 1.0: its hook saysel_rewards must return a mapping of names to 'module:Class'"
        " (got ['bad:Flat'])",
    ),
    "hook that returns a class": (
        good("bad").replace('"bad:Flat"', "Flat"),
        "must return a mapping of names to 'module:Class' (got {'flat': <class 'bad.Flat'>})",
    ),
    "hook with a dotted path": (
        good("bad").replace("bad:Flat", "bad.Flat"),
        "must return a mapping of names to 'module:Class' (got {'flat': 'bad.Flat'})",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_reported_and_others_work(
    ship: Ship, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    code, said = BROKEN[case]
    ship("bad", code)
    ship("acme", good("acme"))
    with caplog.at_level(logging.WARNING):
        assert registry.find("reward", "quadratic") is QuadraticReward
        assert registry.find("reward", "flat").__module__ == "acme"
        registry.hooks()
    assert len(caplog.messages) == 1
    assert said in caplog.messages[0]
    assert "\n" not in caplog.messages[0]
    row = registry.installed()[-1]
    assert (row.kind, row.name, row.target, row.distribution) == ("", "", "bad", "bad")
    assert row.error is not None and said in row.error
    # An unknown name may be that of the broken plugin.
    assert said in message_of("reward", "flatt")


def test_several_broken_plugins_are_reported_in_one_line(
    ship: Ship, caplog: pytest.LogCaptureFixture
) -> None:
    ship("bad_one", "raise ValueError")
    ship("bad_two", "import no_such_package")
    registry.find("reward", "linear")
    assert caplog.messages == ["left out: plugins bad_one, bad_two; `saysel plugins` says why"]


CLASSES = {
    "missing dependency": ("import no_such_package", "needs the package 'no_such_package'"),
    "import error": ("1 / 0", "cannot be imported (acme_parts): ZeroDivisionError"),
    "no such class": ("", "its reward 'flat' is declared as acme_parts:Flat, which does not exist"),
    "not a class": ("Flat = 3", "acme_parts:Flat, which is not a subclass of RewardFn"),
    "another kind": (
        "from saysel.judges.match import MatchJudge as Flat",
        "acme_parts:Flat, which is not a subclass of RewardFn",
    ),
    "abstract": (
        "from saysel.interfaces import RewardFn\nclass Flat(RewardFn): pass",
        "its reward 'flat' (acme_parts:Flat) lacks the method reward",
    ),
}

OLD_FORMAT = """
from saysel.formats.tags import TagsFormat

class Old(TagsFormat):
    def parse(self, text):
        return super().parse(text)
"""
UNDIRECTED_METRIC = """
from saysel.interfaces import Metric

class Undirected(Metric):
    def compute(self, predictions):
        return 0.0
"""


@pytest.mark.parametrize(
    ("kind", "target", "code", "problem"),
    [
        (
            "format",
            "Old",
            OLD_FORMAT,
            "its method parse must accept the arguments (text, cut=False)",
        ),
        ("metric", "Undirected", UNDIRECTED_METRIC, "it must set the class attribute better"),
    ],
)
def test_a_class_written_for_another_interface(
    ship: Ship, kind: str, target: str, code: str, problem: str
) -> None:
    hook = f"@saysel.hookimpl\ndef saysel_{kind}s():\n    return {{'mine': 'acme:{target}'}}\n"
    ship("acme", f"import saysel\n{code}\n{hook}")

    with pytest.raises(PydanticCustomError) as caught:
        registry.build(kind, "mine")

    assert caught.value.message() == (
        f"plugin acme 1.0: its {kind} 'mine' (acme:{target}): {problem}; "
        "report it to its author, or: pip uninstall acme"
    )


@pytest.mark.parametrize("case", CLASSES)
def test_a_class_that_is_not_what_its_hook_declares(ship: Ship, tmp_path: Path, case: str) -> None:
    code, said = CLASSES[case]
    ship(
        "acme",
        "import saysel\n@saysel.hookimpl\ndef saysel_rewards():\n"
        "    return {'flat': 'acme_parts:Flat'}\n",
    )
    (tmp_path / "acme_parts.py").write_text(code)
    assert registry.find("reward", "linear")
    message = message_of("reward", "flat")
    assert message.startswith("plugin acme 1.0") and said in message
    errors = [row.error for row in registry.installed() if row.name == "flat"]
    assert errors == [message]


def test_an_entry_point_without_its_module(ship: Ship, tmp_path: Path) -> None:
    ship("acme", "")
    (tmp_path / "acme.py").unlink()
    assert "names the module 'acme', which it does not contain" in message_of("reward", "flat")


def test_only_the_name_that_two_plugins_provide_is_refused(ship: Ship) -> None:
    ship("acme", good("acme"))
    ship("zeta", good("zeta").replace('{"flat"', '{"round": "zeta:Flat", "flat"'))
    message = message_of("reward", "flat")
    assert "'flat' is claimed by acme 1.0 (acme:Flat) and zeta 1.0 (zeta:Flat)" in message
    assert registry.find("reward", "round").__module__ == "zeta"
    with pytest.raises(PluginError, match=r"claimed by acme 1\.0"):
        registry.find("reward", "flat")
    rows = {(row.name, row.distribution): row.error for row in registry.installed()}
    assert rows["flat", "acme"] == rows["flat", "zeta"] == message
    assert rows["round", "zeta"] is None
    assert rows["quadratic", "saysel"] is None


def test_a_plugin_cannot_replace_a_built_in_component(ship: Ship) -> None:
    ship("acme", good("acme").replace('{"flat"', '{"quadratic"'))
    message = message_of("reward", "quadratic")
    assert f"claimed by saysel {saysel.__version__} (saysel.rewards.quadratic" in message
    assert message.endswith("and acme 1.0 (acme:Flat); keep one, e.g.: pip uninstall acme")
    assert registry.find("reward", "linear")


def test_a_plugin_with_one_wrong_hook_is_not_registered_at_all(plugins: registry.Registry) -> None:
    def saysel_judges() -> dict[str, str]:
        return {"mine": "x:Y"}

    def saysel_rewards() -> int:
        return 3

    plugin = SimpleNamespace(
        saysel_judges=saysel.hookimpl(saysel_judges), saysel_rewards=saysel.hookimpl(saysel_rewards)
    )
    with pytest.raises(PluginError, match="must return a mapping"):
        plugins.add(plugin, "mine", "1.0")
    assert "mine" not in registry.names("judge")
