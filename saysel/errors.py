"""The error policy, then the few error types.

Expected trouble (a recipe, the data, a plugin, a missing extra, the disk, the network) is a
`SayselError`: one line that says what went wrong, where, why, and what to do next. The command
line prints that line and exits with the error's `exit_code`. Anything else is a bug and shows
its traceback.

Exit codes: 1, a stage failed and the run can be resumed; 2, nothing was started.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path


class SayselError(Exception):
    """Expected trouble, told in one line."""

    exit_code = 1


class SayselWarning(UserWarning):
    """Something that a caller should know and that stops nothing; the command line prints it."""


class UsageError(SayselError):
    """The command line, or something it names, is wrong; no work was done."""

    exit_code = 2


class RecipeError(UsageError):
    """A recipe has problems; all of them are told together.

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
    """A plugin cannot be loaded, or two plugins claim one name."""


class DataError(UsageError):
    """A question file or a record is not what it has to be."""


class DamagedFile(DataError):
    """A file of a run directory is not what was written there."""

    def __init__(self, path: Path, what: str, remedy: str) -> None:
        super().__init__(f"{path}: {what}: {remedy}")


class ContractError(DataError):
    """A component returned something that the contract of its kind does not allow."""


class NoSplit(DataError):
    """A source has no such split, which is no trouble unless somebody needs it."""


class MissingExtra(UsageError):
    """A component needs a package that is not installed."""

    def __init__(self, what: str, package: str, extra: str) -> None:
        super().__init__(
            f"{what} needs the package '{package}', which is not installed: "
            f'pip install "saysel[{extra}]"'
        )


def require(what: str, extra: str, *modules: str) -> None:
    """Raise unless all modules are installed; none of them is imported.

    Args:
        what: what needs them, to begin the message with: `the sampler 'vllm'`.
        extra: the extra of saysel that brings them.

    Raises:
        MissingExtra: one is not installed.
    """
    for module in modules:
        if find_spec(module) is None:
            raise MissingExtra(what, module.replace("_", "-"), extra)


class RunBusy(UsageError):
    """Another process works in this run directory."""


class StageError(SayselError):
    """A stage could not finish; what it had written is kept."""
