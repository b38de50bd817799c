"""Finds phrases that a native-speaking engineer would put differently.

    python docs/plain_words.py            checks the project; exit code 1 if a phrase is found
    python docs/plain_words.py FILE...    checks these files, whether `pending` lists them or not

`plain_words.yaml` next to this file lists the phrases with their replacements. In Python files
comments, strings and function names are checked, in tests only comments, docstrings and names. In
pages, generated blocks are skipped: their text is checked where it is written. A line that
contains `plain-words: ok` is skipped too.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
LIST = Path(__file__).with_name("plain_words.yaml")
SUFFIXES = {
    ".py",
    ".md",
    ".yaml",
    ".yml",
    ".txt",
    ".html",
    ".css",
    ".js",
    ".toml",
    ".cff",
    ".template",
}
GENERATED = re.compile(r"<!-- generated: .*?<!-- end generated -->", re.DOTALL)
MARKED = re.compile(r"^.*plain-words: ok.*$", re.MULTILINE)
STRINGS = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


@dataclass(frozen=True)
class WordList:
    """The content of `plain_words.yaml`.

    Attributes:
        phrases: what matches a phrase to avoid, with what to write instead.
        literal: what matches the literal uses of such words, which are fine.
        pending: files and folders that are not checked yet.
    """

    phrases: Mapping[re.Pattern[str], str]
    literal: Sequence[re.Pattern[str]]
    pending: Sequence[str]


def word_list() -> WordList:
    """The phrases of `plain_words.yaml`, compiled."""
    content = yaml.safe_load(LIST.read_text(encoding="utf-8"))
    return WordList(
        {compiled(phrase): instead for phrase, instead in content["phrases"].items()},
        [compiled(phrase) for phrase in content["literal"]],
        content["pending"] or [],
    )


def compiled(phrase: str) -> re.Pattern[str]:
    """Matches a phrase as whole words, in any case and across line breaks."""
    return re.compile(rf"\b(?:{phrase})\b".replace(" ", r"\s+"), re.IGNORECASE)


def blank(text: str) -> str:
    """Spaces in place of everything but line breaks, so that positions stay the same."""
    return re.sub(r"[^\n]", " ", text)


def python_prose(text: str, every_string: bool) -> str:
    """Comments, strings and function names of Python code; spaces elsewhere."""
    prose = list(blank(text))
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    previous = ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        words = ""
        if token.type == tokenize.COMMENT:
            words = token.string.replace("#", " ")
        elif token.type in STRINGS and (every_string or token.string.startswith('"""')):
            words = re.sub(r"[\"']", " ", token.string)
            if re.match(r"(?i)(f|rf|fr)[\"']", token.string):  # Python 3.11 and older
                words = re.sub(r"\{[^{}]*\}", lambda match: " " * len(match.group()), words)
        elif token.type == tokenize.NAME and previous == "def":
            words = token.string.replace("_", " ")
        previous = token.string
        start = starts[token.start[0] - 1] + token.start[1]
        prose[start : start + len(words)] = words
    return "".join(prose)


def prose_of(path: Path) -> str:
    """The text of a file that is checked, at its positions in the file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        every_string = "tests" not in path.resolve().relative_to(ROOT).parts
        prose = python_prose(text, every_string)
    else:
        prose = GENERATED.sub(lambda match: blank(match.group()), text)
    return MARKED.sub(lambda match: blank(match.group()), prose)


def violations(path: Path, words: WordList) -> list[tuple[int, str, str]]:
    """Line, phrase and replacement of every phrase to avoid in a file, in order."""
    prose = prose_of(path)
    literal = [match.span() for pattern in words.literal for match in pattern.finditer(prose)]
    return sorted(
        (prose.count("\n", 0, match.start()) + 1, " ".join(match.group().split()), instead)
        for pattern, instead in words.phrases.items()
        for match in pattern.finditer(prose)
        if not any(start <= match.start() and match.end() <= end for start, end in literal)
    )


def project_files(pending: Sequence[str]) -> list[Path]:
    """Text files of the project that git knows, without those that are pending."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [
        ROOT / name
        for name in listed.stdout.splitlines()
        if Path(name).suffix in SUFFIXES
        and (ROOT / name).is_file()
        and ROOT / name != LIST
        and not any(name == part or name.startswith(f"{part}/") for part in pending)
    ]


def main(arguments: Sequence[str]) -> int:
    words = word_list()
    paths = [Path(name).resolve() for name in arguments] or project_files(words.pending)
    count = 0
    for path in paths:
        for line, phrase, instead in violations(path, words):
            count += 1
            print(f"{path.relative_to(ROOT)}:{line}: '{phrase}': write {instead}")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
