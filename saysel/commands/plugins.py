"""`saysel plugins`: what is installed, and the options of one component."""

from __future__ import annotations

import click

from saysel.errors import UsageError


@click.command("plugins")
@click.argument("what", metavar="[KIND[.NAME]]", default="")
@click.option(
    "--timings", is_flag=True, help="What every installed plugin costs when a command starts."
)
def command(what: str, timings: bool) -> None:
    """List what is installed and from where, or the options of one component.

    \b
    Examples:
      saysel plugins
      saysel plugins reward
      saysel plugins trainer.ppo
      saysel plugins --timings
    """
    if timings and what:
        raise UsageError(f"{what}: --timings is about whole plugins; leave out '{what}'")
    if timings:
        from saysel.commands.timings import print_timings

        print_timings()
    else:
        from saysel.commands.plugin_tables import print_plugins

        print_plugins(what)
