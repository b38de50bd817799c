"""`saysel export`: what a run made, for other tools and for the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from saysel.commands.options import cell
from saysel.display.terminal import echo
from saysel.errors import UsageError


@click.command("export")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--predictions",
    is_flag=True,
    help="Write the predictions: as logs of lm-evaluation-harness and Inspect, and as a data set.",
)
@click.option("--merge", is_flag=True, help="Merge the adapter into its base model.")
@click.option(
    "--license",
    metavar="NAME",
    default="unknown",
    show_default=True,
    help="Licence of the export, as the Hugging Face hub names it: mit, apache-2.0 …",
)
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory to write to; required if RUN is on shared storage.  [default: "
    "RUN/export/model; predictions: RUN/export]",
)
@click.option(
    "--push",
    metavar="OWNER/NAME",
    help="Push the model, or with --predictions the data set, to this repository of the Hugging "
    "Face hub instead of writing it to a directory.",
)
@click.option(
    "--public",
    is_flag=True,
    help="With --push: make the repository public.  [default: private]",
)
@cell
def command(
    run: Path,
    predictions: bool,
    merge: bool,
    license: str,
    to: Path | None,
    push: str | None,
    public: bool,
    cell: str | None,
) -> None:
    """Write the last model of a run, or its predictions.

    The model loads with transformers and vLLM.

    \b
    Examples:
      saysel export runs/quickstart --to my-model
      saysel export runs/mine --to my-model --merge --license apache-2.0
      saysel export runs/quickstart --predictions
      saysel export runs/mine --push me/my-model
      saysel export runs/mine --predictions --push me/my-predictions --public
    """
    from saysel.api.run_directory import Run

    if merge and predictions:
        raise UsageError(
            "--merge changes the model, and --predictions exports none: leave one of them out"
        )
    if public and not push:
        raise UsageError("--public needs --push OWNER/NAME")
    if push and to:
        raise UsageError("--to writes to a directory, --push to the hub: name one of them")
    exported = Run(run)

    def write(directory: Path | None) -> list[Path]:
        if predictions:
            return exported.export_predictions(directory, license=license, cell=cell)
        return [exported.export_model(directory, merge=merge, license=license, cell=cell)]

    if push:
        _push(push, exported.directory, predictions, public, write)
    else:
        for path in write(to):
            echo(path)


def _push(
    name: str, run: Path, predictions: bool, public: bool, write: Callable[[Path], list[Path]]
) -> None:
    """Export into a temporary folder of the run, list the changes, and push them."""
    from saysel.export.hub import open_repository

    repository = open_repository(name, "dataset" if predictions else "model", public)
    with TemporaryDirectory(prefix=".push-", dir=run) as scratch:
        directory = Path(scratch) / ("data_set" if predictions else "model")
        write(directory.parent if predictions else directory)
        changes = repository.changes(directory)
        echo(repository.title(), err=True)
        for line in changes.lines():
            echo(line, err=True)
        repository.push(changes)
    echo(repository.url)
