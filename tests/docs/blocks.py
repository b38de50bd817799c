"""The fenced blocks of the documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from docs import generate

ROOT = generate.ROOT
FENCE = re.compile(r"^```(?P<info>[^\n`]+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: the file.
        line: line number of its opening fence.
        language: first word of the fence.
        words: the other words: `recipe`, `fragment`, `plugin`, `fails`, or a file name.
        text: the content.
        generated: whether `docs/generate.py` writes it.
    """

    page: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str
    generated: bool

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def file(self) -> str | None:
        """The file that the block is written to before the following commands run."""
        return next((word for word in self.words if "." in word), None)


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    written = [match.span() for match in generate.BLOCK.finditer(text)]
    found = []
    for match in FENCE.finditer(text):
        language, *words = match["info"].split()
        line = text[: match.start()].count("\n") + 1
        generated = any(start <= match.start() < end for start, end in written)
        found.append(Block(page, line, language, tuple(words), match["text"], generated))
    assert text.count("```") == 2 * len(found), f"{page}: a fence is not at the start of its line"
    return found


def everything() -> list[Block]:
    """The blocks of all pages."""
    return [block for page in generate.pages() for block in blocks(page)]
