"""Runs the console blocks of one page, at the size of a test."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from saysel import registry, testing
from saysel.cli import cli
from saysel.errors import SayselError
from saysel.recipes.recipe import load
from tests.docs.blocks import ROOT, Block

#: Overrides that make `saysel run` take seconds. Every stage still does its real work: the model
#: learns the format, its samples contain correct answers, and training takes several steps.
TINY = (
    *("source.pretrain=1500", "source.train=24", "source.heldout=24", "source.witnesses=2"),
    *("model.layers=2", "model.width=48", "model.learning_rate=1e-2"),
    *("sample.n=8", "sample.max_tokens=40", "train.0.max_steps=10"),
    *("train.1.steps=2", "train.1.batch_size=8", "train.1.mini_batch_size=8"),
    *("train.1.max_tokens=40", "evaluate.estimators.1.n=4"),
)
#: Overrides that of `TINY` where rationales are measured: the model has to learn to write some.
ENOUGH_FOR_RATIONALES = "train.0.max_steps=40"


class Session:
    """A page's working directory, and how its commands are rewritten.

    Attributes:
        folder: where everything runs; the files of the blocks are written there.
        trained: number of `saysel run` commands that ran.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trained = 0
        self.site = folder / ".site"
        bin = folder / ".bin"
        bin.mkdir(parents=True)
        for name, module in (("saysel", "saysel"), ("pytest", "pytest"), ("python", "")):
            script = bin / name
            script.write_text(
                f'#!/bin/sh\nexec {sys.executable} {"-m " * bool(module)}{module} "$@"\n'
            )
            script.chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{bin}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "500",
        }

    def run(self, block: Block) -> None:
        """Run the commands of a console block and compare what they print."""
        for command, expected in commands(block):
            code, printed = self.call(command)
            told = f"{block.place}: $ {command}\n{printed}"
            assert (code != 0) == ("fails" in block.words), f"exit code {code}: {told}"
            if expected and printed is not None:
                assert matches(expected, printed), f"{told}\nis not:\n{expected}"

    def call(self, command: str) -> tuple[int, str | None]:
        """Exit code and output; no output for what is only looked at."""
        words = shlex.split(command, comments=True)
        if words[0] == "make":
            targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
            assert words[1:] and set(words[1:]) <= set(targets), f"no such target: {command}"
            return 0, None
        if words[0].startswith(".venv/bin/"):
            paths = [word for word in words[1:] if "/" in word]
            assert paths, f"a command on the project's own files names none: {command}"
            for path in paths:
                assert (ROOT / path).exists(), f"no such file: {path}"
            return 0, None
        if words[:2] == ["pip", "install"]:
            return self.install(words[2:])
        if words[:2] == ["saysel", "run"]:
            self.trained += "--dry-run" not in words
            return self.here([*words[1:], *self.smaller(words)])
        if words[:2] == ["saysel", "ask"] and not {"<", ">", "|"} & set(words):
            return self.here(words[1:])
        if words[:2] == ["saysel", "check"]:
            command = shlex.join([*words, *self.smaller(words)])
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def here(self, arguments: list[str]) -> tuple[int, str]:
        """A command that needs torch, in this process, which has it loaded."""
        result = CliRunner().invoke(cli, arguments, prog_name="saysel")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    def smaller(self, words: list[str]) -> list[str]:
        """Arguments that make a recipe tiny; what the command sets itself stays."""
        given = [words[place + 1] for place, word in enumerate(words) if word == "--set"]
        taken = {override.partition("=")[0] for override in given}
        try:
            recipe = load(words[2], given)
        except SayselError:
            return []  # the command is about to say so
        extra = [f"--set={tiny}" for tiny in TINY if self.fits(words[2], given, taken, tiny)]
        if recipe.evaluate.faithfulness and "train.0.max_steps" not in taken:
            extra.append(f"--set={ENOUGH_FOR_RATIONALES}")
        if words[1] == "run" and recipe.model.use == "pretrained":
            # In place of a hub model, a tiny one is used that knows nothing. Its samples are too
            # rarely correct to learn from, so that only a smoke run finishes.
            model = self.folder / "small" / "model"
            if not model.exists():
                testing.small_model(self.folder / "small")
            extra += [f"--set=model.path={model}", "--smoke"]
        return extra

    def fits(self, recipe: str, given: list[str], taken: set[str], tiny: str) -> bool:
        """Whether a recipe has the option that an override makes small."""
        if tiny.partition("=")[0] in taken:
            return False
        try:
            load(recipe, [*given, tiny])
        except SayselError:
            return False
        return True

    def install(self, words: list[str]) -> tuple[int, str | None]:
        """Packages from an index: their names are ours. The page's own: installed by pip."""
        (package,) = [word for word in words if not word.startswith("-")]
        if not package.startswith("."):
            project = (ROOT / "pyproject.toml").read_text()
            name, _, extras = package.rstrip("]").partition("[")
            assert f'\nname = "{name}"\n' in project, f"not our package: {package}"
            for extra in filter(None, extras.split(",")):
                assert re.search(rf"^{extra} = \[", project, re.M), f"no extra: {extra}"
            return 0, None
        offline = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", *offline, "--target", str(self.site), package],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        # With -e the package's own folder goes before what was installed: later changes count.
        folder = self.folder / package.partition("[")[0]  # without its extras
        self.see(*[str(folder)] * ("-e" in words), str(self.site))
        return done.returncode, done.stderr if done.returncode else None

    def see(self, *paths: str) -> None:
        """Import from there first, in subprocesses and in this process."""
        known = self.environment["PYTHONPATH"]
        self.environment["PYTHONPATH"] = os.pathsep.join([*paths, known])
        sys.path[:0] = paths  # the test puts it back
        importlib.invalidate_caches()
        registry.current.cache_clear()


def commands(block: Block) -> list[tuple[str, str]]:
    """The commands of a console block, each with the output that is shown."""
    assert block.text.startswith("$ "), f"{block.place}: a console block starts with '$ '"
    found = []
    for part in block.text.removeprefix("$ ").split("\n$ "):
        command, _, expected = part.partition("\n")
        found.append((command, expected.rstrip("\n")))
    return found


def matches(expected: str, printed: str) -> bool:
    """Whether output is as shown, `...` standing for any lines or any part of a line."""
    pattern = ""
    for line in expected.split("\n"):
        if line.strip() == "...":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += re.escape(line.rstrip()).replace(r"\.\.\.", r"[^\n]*?") + r"\n"
    lines = "".join(f"{line.rstrip()}\n" for line in printed.rstrip("\n").split("\n"))
    return re.fullmatch(pattern, lines) is not None
