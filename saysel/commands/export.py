"""`saysel export`: what a run made, for other tools."""

from __future__ import annotations

from pathlib import Path

import click

from saysel.commands.options import cell
from saysel.display.terminal import echo
from saysel.errors import UsageError


@click.command("export")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--predictions", is_flag=True, help="As logs of lm-evaluation-harness and Inspect.")
@click.option("--merge", is_flag=True, help="The adapter added to the weights of its base.")
@click.option(
    "--license",
    metavar="NAME",
    default="unknown",
    show_default=True,
    help="For the model card, as the hub knows it: mit, apache-2.0 …",
)
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where it goes.  [default: RUN/export; a model: RUN/export/model]",
)
@cell
def command(
    run: Path, predictions: bool, merge: bool, license: str, to: Path | None, cell: str | None
) -> None:
    """Write the last model of a run, for transformers and vLLM; or its predictions.

    \b
    Examples:
      saysel export runs/quickstart --to my-model
      saysel export runs/mine --to my-model --merge --license apache-2.0
      saysel export runs/quickstart --predictions
    """
    from saysel.api.run_directory import Run

    if not predictions:
        echo(Run(run).export_model(to, merge=merge, license=license, cell=cell))
        return
    if merge:
        raise UsageError("--merge is about the model, --predictions about what it said")
    for file in Run(run).export_predictions(to, cell=cell):
        echo(file)
