"""`saysel ask`: one question to a trained model."""

from __future__ import annotations

import click

from saysel.commands.options import cell
from saysel.display.terminal import echo


@click.command("ask")
@click.argument("target", metavar="RUN|MODEL")
@click.argument("question")
@cell
def command(target: str, question: str, cell: str | None) -> None:
    """Answer, rationale and confidence for one question.

    MODEL is a hub id or a directory, of a whole model or of an adapter, or a GGUF file. What
    saysel exported is asked in the format that it was trained in.

    \b
    Examples:
      saysel ask runs/mine "Where is the lantern?" --cell seed=1
      saysel ask my-model "Where is the lantern?"
      saysel ask runs/quickstart "Nora says the lantern is in the cellar. Where is the lantern?"
    """
    from saysel.api.asking import ask

    echo(ask(target, question, cell=cell))
