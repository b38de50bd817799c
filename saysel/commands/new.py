"""`saysel new`: a plugin or a recipe to start from."""

from __future__ import annotations

import click

from saysel.display.terminal import echo


@click.group("new")
def command() -> None:
    """Write a plugin or a recipe to start from.

    \b
    Examples:
      saysel new plugin saysel-humble --kind reward
      saysel new recipe mine --extends quickstart
    """


@command.command("plugin")
@click.argument("name")
@click.option(
    "--kind",
    required=True,
    metavar="KIND",
    help="model, source, sampler, clusterer, rationale, target, format, judge, reward, trainer, "
    "estimator, metric or engine.",
)
def plugin(name: str, kind: str) -> None:
    """Write a package with one working component and its test.

    NAME is the package; recipes call the component NAME without `saysel-`.

    \b
    Examples:
      saysel new plugin saysel-humble --kind reward
      saysel new plugin my-judges --kind judge
    """
    from saysel.skeletons.writing import write_plugin

    echo(write_plugin(name, kind))


@command.command("recipe")
@click.argument("name")
@click.option(
    "--extends",
    "base",
    metavar="RECIPE",
    default="quickstart",
    show_default=True,
    help="The recipe to build on.",
)
def recipe(name: str, base: str) -> None:
    """Write a small recipe NAME.yaml that builds on another.

    \b
    Examples:
      saysel new recipe mine
      saysel new recipe larger --extends sayself-mistral-7b
    """
    from saysel.skeletons.writing import write_recipe

    echo(write_recipe(name, base))
