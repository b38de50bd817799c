"""`manifest.json`: the environment of a run, and what each stage cost."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from saysel import __version__, registry
from saysel.leaks.check import summaries
from saysel.plan.plan import plan_with_training_data
from saysel.plan.stage import Plan, Stage
from saysel.recipes.components import components
from saysel.recipes.recipe import Recipe
from saysel.storage import DONE, intact_record, write_record

#: Packages whose versions can change results.
PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "numpy")


class Manifest:
    """The manifest of a run; written after every stage.

    Attributes:
        content: versions, plugins, seeds, hardware, git state, results of the leak check, and
            under `stages` for each step its fingerprint, start, seconds, tokens, peak memory in
            MB and amount of work.
    """

    def __init__(self, directory: Path, recipe: Recipe, plan: Plan) -> None:
        self.path = directory / "manifest.json"
        self.by_directory = len(plan.cells) > 1
        self.content: dict[str, Any] = {
            "run": recipe.name,
            "versions": {"saysel": __version__, "python": platform.python_version(), **_versions()},
            "plugins": _plugins(plan),
            "seeds": {cell.label: cell.recipe.seed for cell in plan.cells},
            "hardware": _hardware(),
            "git": _git(),
            "command": _command(),
            "leaks": summaries(directory, plan),
            "stages": {},
        }
        # Training data stays listed that was once made without training.
        for step in plan_with_training_data(recipe).steps:
            record = intact_record(step.directory_in(directory) / DONE)
            if record is not None:
                record.pop("files")
                self.content["stages"][self._key(step)] = record
        write_record(self.path, self.content)

    def add(self, step: Stage, record: dict[str, Any]) -> None:
        """Record a finished step."""
        self.content["hardware"] = _hardware()  # the accelerator is known once torch is loaded
        self.content["stages"][self._key(step)] = record
        write_record(self.path, self.content)

    def _key(self, step: Stage) -> str:
        # Cells of a matrix have steps of the same name.
        return step.directory if self.by_directory else step.name


def _command() -> list[str]:
    """The arguments of the command `saysel`; those of a user's program may hold secrets."""
    program = Path(sys.argv[0])
    is_command = program.stem == "saysel" or program.parts[-2:] == ("saysel", "__main__.py")
    return sys.argv[1:] if is_command else []


def reset_peak_memory() -> None:
    """Restart the measurement of peak memory, where the system supports it."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def peak_memory() -> float:
    """Peak resident memory in MB since the last reset, accelerator memory included."""
    peak = 0.0
    try:
        status = Path("/proc/self/status").read_text()
        peak = next(
            float(line.split()[1]) / 1024 for line in status.splitlines() if "VmHWM" in line
        )
    except (OSError, StopIteration):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peak = used / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        peak += torch.cuda.max_memory_allocated() / (1 << 20)
    return round(peak, 1)


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _plugins(plan: Plan) -> dict[str, str]:
    """Distribution and version of every component that the run uses."""
    used = {
        f"{component.kind}.{component.use}": registry.claim(component.kind, component.use)
        for cell in plan.cells
        for component in components(cell.recipe)
        if component.use
    }
    return {name: f"{claim.distribution} {claim.version}" for name, claim in sorted(used.items())}


def _hardware() -> dict[str, Any]:
    hardware: dict[str, Any] = {
        "system": platform.platform(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
    }
    with suppress(OSError, StopIteration):  # processors round differently
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        named = next(line for line in lines if line.startswith("model name"))
        hardware["processor"] = named.partition(":")[2].strip()
    with suppress(ValueError, OSError):
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        hardware["memory_gb"] = round(pages / (1 << 30), 1)
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        hardware["accelerator"] = torch.cuda.get_device_name()
    return hardware


def _git() -> dict[str, Any] | None:
    """Commit of the working directory and whether it has changes; `None` outside a repository."""

    def ask(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", *arguments], capture_output=True, text=True, timeout=5, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip()

    commit = ask("rev-parse", "HEAD")
    if commit is None:
        return None
    return {"commit": commit, "changed": bool(ask("status", "--porcelain"))}
