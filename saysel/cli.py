"""The command line: a group of commands, each in one file of `saysel/commands/`.

A command is imported when it is called or its help is shown; what it does is imported when it
runs. So `--help` stays quick.
"""

from __future__ import annotations

import errno
import os
import warnings
from importlib import import_module
from typing import Any

import click

from saysel import __version__
from saysel.display.terminal import echo
from saysel.errors import SayselError, SayselWarning, UsageError

#: Modules of `saysel.commands`, each with its click command as `command`.
COMMANDS = (
    *("ask", "check", "compare", "export", "new", "plugins", "report", "run", "schema", "score"),
    *("serve", "show", "study", "watch"),
)
INTERRUPTED = 130
#: Errors of the file system about a path that a user gave, whatever is done there.
REFUSALS = frozenset({errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.EROFS, errno.EIO})


class Commands(click.Group):
    """Imports commands when they are needed, and turns expected errors into exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*COMMANDS, *self.commands})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return self.commands.get(cmd_name)
        command: click.Command = import_module(f"saysel.commands.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always", SayselWarning)
                warnings.showwarning = _show_warning  # type: ignore[assignment]
                return super().invoke(ctx)
        except SayselError as error:
            echo(error, err=True)
            ctx.exit(error.exit_code)
        except OSError as error:  # any look at a path can raise one
            if error.filename is None or error.errno not in REFUSALS:
                raise
            echo(
                f"{error.filename}: cannot be used ({error.strerror}): fix that, or give another "
                "path",
                err=True,
            )
            ctx.exit(UsageError.exit_code)
        except KeyboardInterrupt:
            echo("interrupted; run the same command again to continue", err=True)
            ctx.exit(INTERRUPTED)


_python_warning = warnings.showwarning


def _show_warning(message: Any, category: Any, *details: Any) -> None:
    if issubclass(category, SayselWarning):
        echo(message, err=True)
    else:
        _python_warning(message, category, *details)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="saysel", message="%(prog)s %(version)s")
def cli() -> None:
    """Teach a language model to say how sure it is, and why.

    RECIPE is the path of a recipe or the name of one that comes with saysel, like quickstart.

    \b
    Examples:
      saysel run quickstart
      saysel run quickstart --set train.1.reward=linear --out runs/linear
      saysel check my-recipe.yaml
      saysel ask runs/quickstart "Where is the lantern?"
    """


def main() -> None:
    """The console script."""
    # Threads that wait by spinning make a busy machine several times slower, and small models
    # wait often. Read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    cli(prog_name="saysel")
