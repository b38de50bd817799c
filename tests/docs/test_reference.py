"""The reference matches the code: generated parts are fresh, nothing is missing, links resolve."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs import generate
from saysel import errors, hookspecs
from saysel.cli import COMMANDS
from saysel.interfaces import KINDS
from saysel.recipes.recipe import Recipe
from saysel.registry import builtins
from tests.docs.blocks import ROOT, blocks

REFERENCE = ROOT / "docs" / "reference"
HOOKS = [name for name in vars(hookspecs) if name.startswith("saysel_")]
#: Pictures too.
LINK = re.compile(r"\[[^\]]+\]\((?P<target>[^)\s]+)\)")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def spelled(hook: str) -> str:
    """A hook's signature as a plugin author reads it, put together without the generator."""
    signature = inspect.signature(getattr(hookspecs, hook))
    arguments = [f"{name}: {one.annotation}" for name, one in signature.parameters.items()]
    return f"def {hook}({', '.join(arguments)}) -> {signature.return_annotation}:"


@pytest.mark.parametrize("page", generate.pages(), ids=named)
def test_generated_parts_are_fresh(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert generate.filled(text) == text, "stale: python docs/generate.py"


def test_a_stale_page_is_updated() -> None:
    page = "# Reward\n<!-- generated: hook reward -->\nold\n<!-- end generated -->\nmine\n"
    updated = generate.filled(page)
    assert "def saysel_rewards() -> Mapping[str, str]:" in updated and "old" not in updated
    assert updated.startswith("# Reward\n") and updated.endswith("\nmine\n")
    assert generate.filled(updated) == updated


def test_an_unknown_generated_block_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown generated block 'nothing'"):
        generate.filled("<!-- generated: nothing -->\n<!-- end generated -->")
    with pytest.raises(ValueError, match="no end"):
        generate.filled("<!-- generated: hooks -->\n")


def test_the_check_of_all_pages_passes() -> None:
    command = [sys.executable, "docs/generate.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_documented_with_its_signature(hook: str) -> None:
    assert spelled(hook) in (REFERENCE / "hooks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_page_with_contract_hook_and_built_ins(kind: str) -> None:
    page = (REFERENCE / f"{kind}.md").read_text(encoding="utf-8")
    assert spelled(f"saysel_{kind}s") in page
    assert f"class {KINDS[kind].__name__}(Component):" in page
    built_in = getattr(builtins, f"saysel_{kind}s")()
    assert built_in
    for name, target in built_in.items():
        assert f"\n### `{name}`\n" in page
        found = generate.registry.find(kind, name)
        assert f"{found.__module__}:{found.__qualname__}" == target
        for option in found.model_fields:
            assert option == "use" or f"\n| `{option}` |" in page, f"{name}.{option}"


def test_every_command_key_and_error_is_documented() -> None:
    commands = (REFERENCE / "command-line.md").read_text(encoding="utf-8")
    assert len(COMMANDS) >= 7
    for command in COMMANDS:
        assert f"Usage: saysel {command} [OPTIONS]" in commands
    keys = (REFERENCE / "recipe.md").read_text(encoding="utf-8")
    for key in [*Recipe.model_fields, "extends"]:
        assert f"`{key}`" in keys
    page = (REFERENCE / "errors.md").read_text(encoding="utf-8")
    for name, error in vars(errors).items():
        if isinstance(error, type) and issubclass(error, errors.SayselError):
            assert f"| `{name}` | {error.exit_code} |" in page


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", generate.pages(), ids=named)
def test_links_resolve(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in LINK.findall(text):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        assert place.is_relative_to(ROOT) and place.exists(), f"{named(page)}: {target}"
        assert not anchor or anchor in anchors(place), f"{named(page)}: {target}"


def test_every_page_is_reached_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {
        (index.parent / target.partition("#")[0]).resolve()
        for target in LINK.findall(index.read_text(encoding="utf-8"))
    }
    pages = {page for page in generate.pages() if page != index}
    assert len(pages) >= 24
    assert pages <= linked, f"not in docs/index.md: {sorted(map(named, pages - linked))}"


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_of_a_kind_opens_with_a_plugin_that_is_loaded(kind: str) -> None:
    plugin, recipe, console = blocks(REFERENCE / f"{kind}.md")[:3]

    assert plugin.file == "sayselfile.py"
    assert f"({KINDS[kind].__name__}):" in plugin.text
    assert f"@saysel.hookimpl\ndef saysel_{kind}s():" in plugin.text
    assert recipe.language == "yaml"
    assert console.text.startswith(f"$ saysel plugins {kind}.")
    assert f"saysel.testing.check_{kind}`" in (REFERENCE / f"{kind}.md").read_text(encoding="utf-8")
