"""`saysel score`: metrics, intervals and report for predictions made elsewhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from saysel.commands.options import file_options, reading
from saysel.display.terminal import echo


@click.command("score")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@file_options
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for the report.  [default: scores/NAME, after the first FILE]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON; write a report only with --out.")
def command(files: tuple[Path, ...], out: Path | None, as_json: bool, **options: Any) -> None:
    """Score predictions from any tool, with intervals and a report.

    FILE has one row per question: a confidence from 0 to 1, and whether the answer is correct; or
    the answer and the accepted ones (gold). It is CSV, TSV, JSON, JSON Lines, Parquet, .xlsx, an
    Inspect log, or samples of lm-evaluation-harness; - is standard input. The rows of several files
    are scored together; to set methods side by side, see compare.

    \b
    Examples:
      saysel score predictions.csv
      saysel score predictions.jsonl --column confidence=p_true --scale 100
      saysel score replies.jsonl --format tags --column output=text
      saysel score samples_gsm8k.jsonl --where filter=strict-match --format percent
      saysel score logs/task.eval
      jq -c .predictions[] all.json | saysel score -
    """
    # The matrices are small: more threads cost more than they give. Read when numpy is loaded.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from saysel.api.predictions import name_of
    from saysel.api.scoring import score

    if out is None and not as_json:
        out = Path("scores") / name_of(*files)
    scores = score(files, out=out, **reading(**options))
    if as_json:
        echo(scores.to_json(), nl=False)
        return
    echo(scores)
    echo(f"report: {scores.report}")
