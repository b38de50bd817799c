"""Components that need the libraries of an extra name it before any work."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from saysel import registry
from saysel.cli import cli
from saysel.errors import MissingExtra
from saysel.hf.installed import MODULES
from saysel.interfaces import Component

LOCAL = (
    *(("model", "scratch"), ("model", {"use": "pretrained", "path": "org/model"})),
    *(("sampler", "transformers"), ("trainer", "sft")),
    *(("trainer", {"use": "ppo", "reward": "quadratic"}),),
    *(("trainer", {"use": "grpo", "reward": "quadratic"}),),
)


@pytest.mark.parametrize(("kind", "spec"), LOCAL)
@pytest.mark.parametrize("module", MODULES)
def test_what_runs_models_here_needs_the_extra_train(
    kind: str, spec: object, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    component: Component = registry.build(kind, spec)
    component.check_installed()
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(MissingExtra) as caught:
        component.check_installed()

    assert str(caught.value) == (
        f"the {kind} '{component.use}' needs the package '{module}', which is not installed: "
        'pip install "saysel[train]"'
    )


def test_a_source_on_the_hub_needs_the_extra_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)

    with pytest.raises(MissingExtra, match=r'the source \'gsm8k\'.*"saysel\[hub\]"'):
        registry.build("source", "gsm8k").check_installed()
    registry.build("source", {"use": "gsm8k", "path": "my.jsonl"}).check_installed()


@pytest.mark.parametrize("command", ["check", "run"])
def test_commands_name_the_extra_before_any_work(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "torch", None)

    result = CliRunner().invoke(cli, [command, "quickstart"], prog_name="saysel")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "the model 'scratch' needs the package 'torch', which is not installed: "
        'pip install "saysel[train]"\n'
    )
    assert not [path for path in tmp_path.rglob("*") if path.name != ".lock" and path.is_file()]
