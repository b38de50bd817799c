"""The pages as the documentation site gets them; `make docs` builds it and checks every link."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import generate, site
from docs.pictures import draw


def test_names_of_files_become_titles_and_marks_of_the_tests_go() -> None:
    text = (
        "<!-- generated: recipe pararel -->\n"
        "```yaml recipe mine.yaml\na: 1\n```\n"
        "<!-- end generated -->\n"
        "```console fails\n$ saysel\n```\n```text\n<!-- generated -->\n```\n"
    )

    assert site.page(text) == (
        '```yaml title="mine.yaml"\na: 1\n```\n```console\n$ saysel\n```\n```text\n```\n'
    )


def test_every_page_is_in_the_navigation_and_every_entry_exists() -> None:
    config = (generate.ROOT / "zensical.toml").read_text(encoding="utf-8")
    entries = set(re.findall(r'"([^"]+\.md)"', config))
    pages = {str(page.relative_to(generate.ROOT)) for page in generate.pages()}

    assert pages <= entries, sorted(pages - entries)
    assert all((generate.ROOT / entry).exists() for entry in entries)


def test_links_of_a_page_lead_to_files_that_the_site_has() -> None:
    copied = {path.resolve() for path in site.files()}

    assert len(copied) >= 60
    assert {page.resolve() for page in generate.pages()} <= copied


@pytest.mark.parametrize("name", ["path.svg", "layers.svg"])
def test_diagrams_are_what_their_script_draws(name: str) -> None:
    drawn = {"path.svg": draw.path, "layers.svg": draw.layers}[name]()
    assert (Path(draw.__file__).parent / name).read_text(encoding="utf-8") == drawn
