"""`saysel run`: from a recipe to its report."""

from __future__ import annotations

import os
from pathlib import Path

import click

from saysel.commands.options import cell, overrides
from saysel.display.terminal import echo
from saysel.errors import UsageError
from saysel.plan.stage_names import STAGES


@click.command("run")
@click.argument("recipe")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Run directory, which may be on shared storage: s3://BUCKET/RUN.  [default: runs/NAME, "
    "NAME being the recipe's name]",
)
@overrides
@click.option(
    "--until",
    type=click.Choice(list(STAGES)),
    help="Stop after this stage; training data is built even if the recipe trains nothing.",
)
@click.option(
    "--engine",
    metavar="NAME",
    help="Run the shards of all stages through this engine instead of the recipe's: local, ray …",
)
@click.option(
    "--smoke",
    is_flag=True,
    help="Rehearse in OUT-smoke: run every stage with a few questions and one training step.",
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Number of processes that share the work; one per GPU.",
)
@click.option(
    "--shard",
    is_flag=True,
    help="Shard models over the processes during training (FSDP2), instead of copying them; "
    "needs --processes or torchrun.",
)
@cell
@click.option(
    "--collect",
    metavar="DIR",
    multiple=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Copy the finished steps of another run directory instead of repeating them; may be given "
    "again.",
)
@click.option("--dry-run", is_flag=True, help="List the steps that would be run, and run none.")
def command(
    recipe: str,
    out: Path | None,
    overrides: tuple[str, ...],
    until: str | None,
    engine: str | None,
    smoke: bool,
    processes: int,
    shard: bool,
    cell: str | None,
    collect: tuple[Path, ...],
    dry_run: bool,
) -> None:
    """Run a recipe from questions to report.

    Stages that are done and unchanged are skipped; an interrupted run continues where it stopped.
    With --cell, one cell of a matrix is run, in OUT/cells/NUMBER; the same command without it
    collects what the cells have done and writes the report of all.

    \b
    Examples:
      saysel run quickstart
      saysel run quickstart --smoke
      saysel run quickstart --until target --set sample.n=50
      saysel run quickstart --processes 2
      saysel run my-recipe.yaml --engine ray --set engine.replicas=8
      saysel run my-matrix.yaml --cell 3
    """
    from saysel.api.running import full_run_estimate, pending, run
    from saysel.commands.report import print_scores
    from saysel.hf.processes import rank
    from saysel.runs.launcher import launch

    if shard and processes == 1 and "WORLD_SIZE" not in os.environ:
        raise UsageError("--shard needs several processes: add --processes NUMBER, or use torchrun")
    if engine is not None:
        overrides = (f"engine={engine}", *_without_engine(overrides, engine))
    if dry_run:
        directory, steps = pending(
            recipe, out, set=overrides, until=until, smoke=smoke, cell=cell, collect=collect
        )
        echo(f"{directory}: {len(steps)} steps to do" if steps else _nothing(directory))
        for step in steps:
            echo(f"  {step.directory}")
        return
    if processes > 1:
        given = _arguments(recipe, out, overrides, until, smoke, shard, cell, collect)
        raise SystemExit(launch(processes, given))
    finished = run(
        recipe,
        out,
        set=overrides,
        until=until,
        smoke=smoke,
        shard=shard,
        cell=cell,
        collect=collect,
    )
    if rank():
        return  # the first process reports
    if not finished.ran:
        echo(_nothing(finished.directory))
    if "report" in finished.ran:
        print_scores(finished, smoke=smoke)
    for line in finished.notes:
        echo(line)
    reaches_report = until in (None, list(STAGES)[-1])
    if reaches_report:
        echo(f"report: {finished.report}")
    elif finished.ran:
        continues = "" if smoke else "; the same command without --until continues"
        echo(f"stopped after '{until}'{continues}")
    if smoke and reaches_report:
        echo(full_run_estimate(recipe, finished, set=overrides))


def _without_engine(overrides: tuple[str, ...], engine: str) -> tuple[str, ...]:
    """The overrides, none of which chooses another engine than `--engine`."""
    for override in overrides:
        if override.partition("=")[0].strip() in ("engine", "engine.use"):
            raise UsageError(
                f"--engine {engine} and --set {override} both choose the engine: leave one out; "
                "options of the engine are set by --set engine.OPTION=VALUE"
            )
    return overrides


def _arguments(
    recipe: str,
    out: Path | None,
    overrides: tuple[str, ...],
    until: str | None,
    smoke: bool,
    shard: bool,
    cell: str | None,
    collect: tuple[Path, ...],
) -> list[str]:
    """The command line of one of several processes."""
    options = [f"--out={out}"] if out else []
    options += [f"--set={override}" for override in overrides]
    options += [f"--until={until}"] if until else []
    options += ["--smoke"] if smoke else []
    options += ["--shard"] if shard else []
    options += [f"--cell={cell}"] if cell else []
    options += [f"--collect={place}" for place in collect]
    return ["run", *options, "--", recipe]


def _nothing(directory: Path) -> str:
    return f"{directory}: nothing to do, everything is up to date"
