"""`saysel study`: have people rate the rationales of a run."""

from __future__ import annotations

from pathlib import Path

import click

from saysel.commands.options import cell
from saysel.display.terminal import echo


@click.group("study")
def command() -> None:
    """Have people rate rationales, and score their ratings.

    \b
    Examples:
      saysel study new runs/mine --per-model 50 --raters 2
      saysel study score study ratings-*.csv
    """


@command.command("new")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@click.option(
    "--per-model",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    default=50,
    show_default=True,
    help="Rationales of each model.",
)
@click.option(
    "--controls",
    type=click.IntRange(min=0),
    metavar="NUMBER",
    default=10,
    show_default=True,
    help="Items with another question's rationale, and as many with a generic one.",
)
@click.option(
    "--raters",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    default=2,
    show_default=True,
    help="Pages; each has all items, in a separate order.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the draw."
)
@cell
@click.option(
    "--consent",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The text that raters agree to before they begin.  [default: a text about this study]",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("study"),
    show_default=True,
    help="Directory for the study.",
)
def new(
    runs: tuple[str, ...],
    per_model: int,
    controls: int,
    raters: int,
    seed: int,
    cell: str | None,
    consent: Path | None,
    out: Path,
) -> None:
    """Write a page for each rater, and the key to the models.

    RUN is a run directory whose recipe has evaluate.faithfulness; RUN:MODEL takes one of its
    models. Models are blinded and shuffled, and their replies drawn from all levels of confidence,
    right and wrong. Keep key.json, which says which model wrote what: without it ratings cannot be
    scored.

    \b
    Examples:
      saysel study new runs/mine
      saysel study new runs/template:ppo runs/llm:ppo --per-model 80 --raters 3
    """
    from saysel.files.content import decoded, read_bytes
    from saysel.study.new import new_study

    written = new_study(
        *runs,
        out=out,
        per_model=per_model,
        controls=controls,
        raters=raters,
        seed=seed,
        cell=cell,
        consent=None if consent is None else decoded(read_bytes(consent), consent),
    )
    echo(written)


@command.command("score")
@click.argument("study", type=click.Path(path_type=Path))
@click.argument("ratings", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--difference",
    type=click.FloatRange(min=0, max=4, min_open=True),
    metavar="POINTS",
    default=0.5,
    show_default=True,
    help="The smallest difference between two models that matters: how many items detect it?",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for the page and the tables.  [default: STUDY/scores]",
)
def score(study: Path, ratings: tuple[Path, ...], difference: float, out: Path | None) -> None:
    """Score ratings: agreement of raters, and means of models.

    STUDY is the directory with key.json. RATINGS are the files that the raters' pages have saved,
    or what Label Studio exports as JSON-MIN or CSV; they may be incomplete.

    \b
    Examples:
      saysel study score study ratings-*.csv
      saysel study score study label-studio.json --difference 0.3
    """
    from saysel.study.score import score_study

    scores = score_study(study, ratings, smallest=difference)
    page = scores.write(out or study / "scores")
    echo(scores)
    echo(f"report: {page}")
