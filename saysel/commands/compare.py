"""`saysel compare`: the differences between predictions for the same questions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from saysel.commands.options import cells, file_options, reading
from saysel.display.terminal import echo


@click.command("compare")
@click.argument("methods", metavar="RUN|FILE...", nargs=-1, required=True)
@file_options
@click.option(
    "--by",
    metavar="COLUMN",
    help="The file's column that names the method of a row: every value of it is a method.",
)
@click.option("--intersect", is_flag=True, help="Leave out questions that some do not have.")
@click.option(
    "--resamples",
    type=click.IntRange(min=100),
    metavar="NUMBER",
    help="Bootstrap samples of the questions.  [default: 10,000, or 200 for each metric of each "
    "method if that is more]",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of the resampling.",
)
@cells
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("comparison"),
    show_default=True,
    help="Directory for the table and the page.",
)
def command(
    methods: tuple[str, ...],
    by: str | None,
    intersect: bool,
    resamples: int | None,
    seed: int,
    cells: tuple[str, ...],
    out: Path,
    **options: Any,
) -> None:
    """Compare predictions for the same questions.

    The others are compared with the first, metric by metric. A RUN alone is compared row by row, a
    matrix run setting by setting. Among others it stands for its last model; RUN:MODEL and
    RUN:MODEL:ESTIMATOR name a row. The options that say how a FILE is read are those of score, and
    hold for all files.

    \b
    Examples:
      saysel compare runs/quickstart
      saysel compare runs/quickstart:sft runs/quickstart:ppo
      saysel compare runs/mine:ppo --cell 1 --cell 4
      saysel compare before.parquet after.parquet --metric brier --metric auroc
      saysel compare all.csv --by method
      saysel compare a/replies.jsonl b/replies.jsonl --format tags
    """
    from saysel.api.comparing import compare

    comparison = compare(
        *methods,
        by=by,
        intersect=intersect,
        resamples=resamples,
        seed=seed,
        cell=cells,
        out=out,
        **reading(**options),
    )
    echo(comparison)
    echo(f"page: {out / 'index.html'}")
