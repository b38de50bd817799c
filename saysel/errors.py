"""The error policy, and the error types.

Expected errors (in a recipe, the data or a plugin, a missing package, the disk, the network) are
`SayselError`s: one line that says what went wrong, where, why, and what to do about it. The command
line prints that line and exits with the error's `exit_code`. Anything else is a bug, shown with its
traceback.

Exit codes: 1, a stage failed and the run can be resumed; 2, no work was started.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path


class SayselError(Exception):
    """An expected error, reported in one line."""

    exit_code = 1


class SayselWarning(UserWarning):
    """Something a caller should know, although work continues; the command line prints it."""


class UsageError(SayselError):
    """The command line, or something that it refers to, is wrong; no work was done."""

    exit_code = 2


class RecipeError(UsageError):
    """A recipe has problems; all of them are reported together.

    Attributes:
        problems: one line each, `path.in.recipe: rule (value)`.
    """

    def __init__(self, where: str, problems: Sequence[str]) -> None:
        self.where = where
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"{where}: {count} problem{'s' if count != 1 else ''}"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))


class PluginError(UsageError):
    """A plugin cannot be loaded, or two plugins provide the same name."""


class DataError(UsageError):
    """A data file or a record is invalid."""


class DamagedFile(DataError):
    """A file of a run directory has changed since it was written."""

    def __init__(self, path: Path, what: str, remedy: str) -> None:
        super().__init__(f"{path}: {what}: {remedy}")


class ContractError(DataError):
    """A component returned something that the contract of its kind forbids."""


class NoSplit(DataError):
    """A source does not have a split; an error only if the split is needed."""


class MissingExtra(UsageError):
    """A component needs a package that is not installed."""

    def __init__(self, what: str, package: str, extra: str) -> None:
        super().__init__(
            f"{what} needs the package '{package}', which is not installed: "
            f'pip install "saysel[{extra}]"'
        )


def require(what: str, extra: str, *modules: str) -> None:
    """Raise unless all modules are installed, without importing them.

    Args:
        what: what needs them, as the message begins: `the sampler 'vllm'`.
        extra: the extra of saysel that installs them.

    Raises:
        MissingExtra: a module is not installed.
    """
    for module in modules:
        if find_spec(module) is None:
            raise MissingExtra(what, module.replace("_", "-"), extra)


class RunBusy(UsageError):
    """Another process is using this run directory."""


class StageError(SayselError):
    """A stage failed; its finished parts are kept, so that the run can be resumed."""


__all__ = [
    "ContractError",
    "DamagedFile",
    "DataError",
    "MissingExtra",
    "NoSplit",
    "PluginError",
    "RecipeError",
    "RunBusy",
    "SayselError",
    "SayselWarning",
    "StageError",
    "UsageError",
    "require",
]
