"""Every block of README, CONTRIBUTING, SKILL and docs is executed, loaded or written to a file.

The first word after a fence says what a block is; only these are allowed:

- `console`: commands after `$ `, each with its output; `...` matches any lines, or any part of a
  line. With the word `fails`, every command must end with an exit code other than 0.
- `yaml recipe`: a whole recipe, which loads. `yaml fragment`: some keys of one, which load on top
  of `{name: fragment, source: witness}`. `yaml plugin`: a recipe that names what the page installs;
  a command of the page loads it.
- `python`: runs, the blocks of a page one after another in one namespace.
- `jsonl`, `csv`, `toml`: files.
- `text`, `json`: shown only; JSON must parse.

A block that also names a file (`yaml recipe mine.yaml`) is written under that name before the
commands after it run. All commands of a page run in one empty directory. Generated blocks are
the package's own text, which `test_reference.py` compares; of them only recipes are loaded.

Commands that are too heavy are rewritten by these rules only (see `session.py`):

- `saysel run RECIPE` and `saysel check RECIPE` get the overrides `TINY`, where the recipe has those
  options; where rationales are measured, training is longer. A run with a `pretrained` model uses
  a tiny model instead, and is a smoke run.
- `make TARGET`: the target exists. `.venv/bin/…`: the project's files that it names exist.
- `pip install saysel…`: package and extra are those of `pyproject.toml`. `pip install .`, or
  another folder of the page, is executed, without an index, into a directory of the page; with `-e`
  the folder itself is put on the path.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from docs import generate
from saysel import registry
from saysel.recipes.recipe import load
from tests.docs.blocks import Block, blocks, everything
from tests.docs.session import Session, commands, matches

LANGUAGES = {"console", "yaml", "python", "jsonl", "csv", "toml", "text", "json"}
#: Minimum number of blocks of each language, so that a broken search does not go unnoticed.
AT_LEAST = {"console": 20, "yaml": 20, "python": 8}
BASE = {"name": "fragment", "source": "witness"}


def trains(page: Path) -> bool:
    return any(
        command.startswith("saysel run") and "--dry-run" not in command
        for block in blocks(page)
        if block.language == "console" and "fails" not in block.words
        for command, _ in commands(block)
    )


PAGES = [
    pytest.param(
        page,
        id=str(page.relative_to(generate.ROOT)),
        marks=[pytest.mark.slow] if trains(page) else [],
    )
    for page in generate.pages()
    if any(block.language in ("console", "python") for block in blocks(page))
]
YAML = [
    pytest.param(block, id=block.place)
    for block in everything()
    if block.language == "yaml" and "plugin" not in block.words
]


def test_every_block_is_of_a_kind_that_is_checked() -> None:
    counts = Counter(block.language for block in everything())
    assert set(counts) <= LANGUAGES
    for language, least in AT_LEAST.items():
        assert counts[language] >= least, counts
    for block in everything():
        if block.language == "json":
            json.loads(block.text)
        if block.language in ("jsonl", "csv", "toml"):
            assert block.file, f"{block.place}: name the file"
        if "plugin" in block.words:
            assert block.file and any(
                command.startswith(f"saysel run {block.file}")
                for other in blocks(block.page)
                if other.language == "console" and "fails" not in other.words
                for command, _ in commands(other)
            ), f"{block.place}: no command loads it"


@pytest.fixture(autouse=True)
def own_plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Plugins of one page, its `sayselfile.py` among them, are not seen by the next."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    registry.current.cache_clear()
    yield
    registry.current.cache_clear()
    sys.modules.pop("sayselfile", None)


def write_files(page: Path, folder: Path) -> None:
    for block in blocks(page):
        if block.file:
            (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.file).write_text(block.text, encoding="utf-8")


@pytest.mark.parametrize("block", YAML)
def test_a_recipe_loads(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(block.page, tmp_path)
    monkeypatch.chdir(tmp_path)
    whole, part = "recipe" in block.words, "fragment" in block.words
    assert whole != part, f"{block.place}: say whether it is a recipe or a fragment"
    text = block.text if whole else yaml.safe_dump({**BASE, **yaml.safe_load(block.text)})
    file = tmp_path / (block.file or "block.yaml")
    file.write_text(text, encoding="utf-8")
    recipe = load(str(file))
    assert recipe.cells()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    known = set(sys.modules)
    session = Session(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    try:
        for block in blocks(page):
            if block.file:
                path = tmp_path / block.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, encoding="utf-8")
            if block.generated:
                continue
            if block.language == "python":
                exec(compile(block.text, block.place, "exec", dont_inherit=True), names)
            elif block.language == "console":
                session.run(block)
    finally:
        for name in set(sys.modules) - known:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
                del sys.modules[name]
    assert not trains(page) or session.trained


def test_output_is_compared() -> None:
    printed = "model: 0 of 5 steps\nmodel: 5 of 5 steps in 3 s\nreport: runs/x/index.html\n"
    assert matches("...\nreport: runs/x/index.html", printed)
    assert matches("model: 0 of ... steps\n...\nreport: ...", printed)
    assert matches("...", "") and matches("...", printed)
    assert not matches("report: runs/x/index.html", printed)
    assert not matches("...\nreport: runs/y/index.html", printed)
    assert not matches("...\nreport: runs/x", printed)
