"""`saysel plugins`: what is installed, and the options of one component."""

from __future__ import annotations

from pathlib import Path

import click

from saysel.errors import UsageError


@click.command("plugins")
@click.argument("what", metavar="[KIND[.NAME]]", default="")
@click.option("--timings", is_flag=True, help="Show how much each plugin delays every command.")
@click.option(
    "--recipe",
    metavar="PATH",
    type=click.Path(exists=True, path_type=Path),
    help="Recipe or folder whose sayselfile.py is used.  [default: the working directory]",
)
def command(what: str, timings: bool, recipe: Path | None) -> None:
    """List installed components, or the options of one.

    The components of a sayselfile.py are listed too.

    \b
    Examples:
      saysel plugins
      saysel plugins reward
      saysel plugins trainer.ppo
      saysel plugins --recipe experiments/mine.yaml
      saysel plugins --timings
    """
    if timings and what:
        raise UsageError(f"{what}: --timings is about whole plugins; leave out '{what}'")
    if timings:
        from saysel.commands.timings import print_timings

        print_timings()
    else:
        from saysel.commands.plugin_tables import print_plugins
        from saysel.registry import use_sayselfile

        if recipe is not None:
            use_sayselfile(recipe if recipe.is_dir() else recipe.parent)
        print_plugins(what)
