"""Builds the documentation site into build/site, from the pages as they are in the repository.

    python docs/site.py

The pages link to each other, to benchmarks and to plugins by relative paths, which also work where
the repository is browsed. So they are copied into build/pages with the same layout, and Zensical
builds from there. It reports every broken link and anchor, and any warning fails the build.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "build" / "pages"
FOLDERS = ("docs", "benchmarks", "plugins")
SUFFIXES = {".css", ".csv", ".html", ".md", ".ipynb", ".json", ".png", ".py", ".svg", ".yaml"}
FENCE = re.compile(r"^```(?P<language>\w+)(?P<words>(?: [\w./-]+)+)$", re.MULTILINE)
GENERATED = re.compile(r"^<!-- (?:end )?generated.* -->\n", re.MULTILINE)


def main() -> int:
    shutil.rmtree(PAGES, ignore_errors=True)
    for source in files():
        copy = PAGES / source.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            copy.write_text(page(source.read_text(encoding="utf-8")), encoding="utf-8")
        else:
            shutil.copyfile(source, copy)
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def files() -> list[Path]:
    """The pages and the files they link to."""
    inside = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    return [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SKILL.md", "LICENSE")),
        *(path for path in inside if path.suffix in SUFFIXES and "tests" not in path.parts),
    ]


def page(text: str) -> str:
    """A page for the site: file names become titles of blocks, and marks of the tests go."""

    def fence(match: re.Match[str]) -> str:
        names = [word for word in match["words"].split() if "." in word]
        return f"```{match['language']}" + "".join(f' title="{name}"' for name in names)

    return GENERATED.sub("", FENCE.sub(fence, text))


if __name__ == "__main__":
    sys.exit(main())
