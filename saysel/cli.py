"""The command line: arguments in, one call out.

What a command does lies in `saysel/commands/`, imported when the command is called, so that
`--help` stays quick.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from saysel import __version__
from saysel.errors import SayselError
from saysel.stage_names import STAGES

INTERRUPTED = 130


class Commands(click.Group):
    """Ends expected trouble with its one message and its exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SayselError as error:
            click.echo(str(error), err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("interrupted; run the same command again to go on", err=True)
            ctx.exit(INTERRUPTED)


overrides = click.option(
    "--set",
    "overrides",
    metavar="PATH=VALUE",
    multiple=True,
    help="Set one value of the recipe, e.g. train.1.reward=linear; may be given again.",
)


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


@cli.command()
@click.argument("recipe")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Run directory.  [default: runs/NAME, NAME being the recipe's name]",
)
@overrides
@click.option("--until", type=click.Choice(STAGES), help="Stop after this stage.")
@click.option("--smoke", is_flag=True, help="Walk every stage with the least work, in under 1 min.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
def run(
    recipe: str,
    out: Path | None,
    overrides: tuple[str, ...],
    until: str | None,
    smoke: bool,
    dry_run: bool,
) -> None:
    """Run a recipe from questions to report.

    Stages that are done and unchanged are skipped; an interrupted run goes on where it was.

    \b
    Examples:
      saysel run quickstart
      saysel run quickstart --smoke
      saysel run quickstart --until target --set sample.n=50
    """
    from saysel.commands.run import run as command

    command(recipe, out, overrides, until, smoke, dry_run)


@cli.command()
@click.argument("recipe")
@overrides
def check(recipe: str, overrides: tuple[str, ...]) -> None:
    """Tell every problem of a recipe, or what running it would do.

    \b
    Example:
      saysel check my-recipe.yaml
    """
    from saysel.commands.check import check as command

    command(recipe, overrides)


@cli.command()
@click.argument("recipe")
@overrides
def show(recipe: str, overrides: tuple[str, ...]) -> None:
    """Print a recipe with every default written out.

    \b
    Example:
      saysel show quickstart > my-recipe.yaml
    """
    from saysel.commands.show import show as command

    command(recipe, overrides)


@cli.command()
@click.argument("what", metavar="[KIND[.NAME]]", default="")
def plugins(what: str) -> None:
    """List what is installed and from where, or the options of one component.

    \b
    Examples:
      saysel plugins
      saysel plugins reward
      saysel plugins trainer.ppo
    """
    from saysel.commands.plugins import plugins as command

    command(what)


@cli.command()
def schema() -> None:
    """Print the JSON Schema of recipes, for the components installed here.

    \b
    Example:
      saysel schema > recipe.schema.json
    """
    from saysel.commands.schema import schema as command

    command()


@cli.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
def report(run: Path) -> None:
    """Draw the report of a run directory again.

    \b
    Example:
      saysel report runs/quickstart
    """
    from saysel.commands.report import report as command

    command(run)


@cli.command()
@click.argument("target", metavar="RUN|MODEL")
@click.argument("question")
def ask(target: str, question: str) -> None:
    """Answer, rationale and confidence for one question.

    \b
    Example:
      saysel ask runs/quickstart "Nora says the lantern is in the cellar. Where is the lantern?"
    """
    from saysel.commands.ask import ask as command

    command(target, question)


def main() -> None:
    """The console script."""
    cli(prog_name="saysel")
