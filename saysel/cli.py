"""The command line: arguments in, one call out.

What a command does lies in `saysel/commands/`, imported when the command is called, so that
`--help` stays quick.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from saysel import __version__
from saysel.display.terminal import echo
from saysel.errors import SayselError, UsageError
from saysel.plan.stage_names import STAGES

INTERRUPTED = 130


class Commands(click.Group):
    """Ends expected trouble with its one message and its exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SayselError as error:
            echo(error, err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            echo("interrupted; run the same command again to go on", err=True)
            ctx.exit(INTERRUPTED)


overrides = click.option(
    "--set",
    "overrides",
    metavar="PATH=VALUE",
    multiple=True,
    help="Set one value of the recipe, e.g. train.1.reward=linear; may be given again.",
)


cell = click.option(
    "--cell",
    metavar="LABEL",
    help="The cell of a matrix run, or a part of its label that no other has, like seed=1.",
)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="saysel", message="%(prog)s %(version)s")
def cli() -> None:
    """Teach a language model to say how sure it is, and why.

    RECIPE is the path of a recipe or the name of one that comes with saysel, like quickstart.

    \b
    Examples:
      saysel run quickstart
      saysel run quickstart --set train.1.reward=linear --out runs/linear
      saysel check my-recipe.yaml
      saysel ask runs/quickstart "Where is the lantern?"
    """


@cli.command()
@click.argument("recipe")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Run directory.  [default: runs/NAME, NAME being the recipe's name]",
)
@overrides
@click.option(
    "--until",
    type=click.Choice(STAGES),
    help="Stop after this stage; training data is built up to it even if nothing is trained.",
)
@click.option("--smoke", is_flag=True, help="Walk every stage with the least work, in under 1 min.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
def run(
    recipe: str,
    out: Path | None,
    overrides: tuple[str, ...],
    until: str | None,
    smoke: bool,
    dry_run: bool,
) -> None:
    """Run a recipe from questions to report.

    Stages that are done and unchanged are skipped; an interrupted run goes on where it was.

    \b
    Examples:
      saysel run quickstart
      saysel run quickstart --smoke
      saysel run quickstart --until target --set sample.n=50
    """
    from saysel.commands.run import run as command

    command(recipe, out, overrides, until, smoke, dry_run)


@cli.command()
@click.argument("recipe")
@overrides
def check(recipe: str, overrides: tuple[str, ...]) -> None:
    """Tell every problem of a recipe, or what running it would do.

    \b
    Example:
      saysel check my-recipe.yaml
    """
    from saysel.commands.check import check as command

    command(recipe, overrides)


@cli.command()
@click.argument("recipe")
@overrides
def show(recipe: str, overrides: tuple[str, ...]) -> None:
    """Print a recipe with every default written out.

    \b
    Example:
      saysel show quickstart > my-recipe.yaml
    """
    from saysel.commands.show import show as command

    command(recipe, overrides)


@cli.command()
@click.argument("what", metavar="[KIND[.NAME]]", default="")
@click.option(
    "--timings", is_flag=True, help="What every installed plugin costs when a command starts."
)
def plugins(what: str, timings: bool) -> None:
    """List what is installed and from where, or the options of one component.

    \b
    Examples:
      saysel plugins
      saysel plugins reward
      saysel plugins trainer.ppo
      saysel plugins --timings
    """
    if timings:
        if what:
            raise UsageError(f"{what}: --timings is about whole plugins; leave out '{what}'")
        from saysel.commands.timings import timings as all_of_them

        all_of_them()
        return
    from saysel.commands.plugins import plugins as command

    command(what)


@cli.group()
def new() -> None:
    """Write a plugin or a recipe to start from.

    \b
    Examples:
      saysel new plugin saysel-humble --kind reward
      saysel new recipe mine --extends quickstart
    """


@new.command("plugin")
@click.argument("name")
@click.option(
    "--kind",
    required=True,
    metavar="KIND",
    help="model, source, sampler, clusterer, rationale, target, format, judge, reward, trainer, "
    "estimator, metric or engine.",
)
def new_plugin(name: str, kind: str) -> None:
    """Write a package NAME with one working component, its hook and its test.

    Recipes know the component by NAME without `saysel-`.

    \b
    Examples:
      saysel new plugin saysel-humble --kind reward
      saysel new plugin my-judges --kind judge
    """
    from saysel.commands.new import plugin

    plugin(name, kind)


@new.command("recipe")
@click.argument("name")
@click.option(
    "--extends",
    "base",
    metavar="RECIPE",
    default="quickstart",
    show_default=True,
    help="The recipe to build on.",
)
def new_recipe(name: str, base: str) -> None:
    """Write a small recipe NAME.yaml that builds on another.

    \b
    Examples:
      saysel new recipe mine
      saysel new recipe larger --extends sayself-mistral-7b
    """
    from saysel.commands.new import recipe

    recipe(name, base)


@cli.command()
def schema() -> None:
    """Print the JSON Schema of recipes, for the components installed here.

    \b
    Example:
      saysel schema > recipe.schema.json
    """
    from saysel.commands.schema import schema as command

    command()


@cli.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
def report(run: Path) -> None:
    """Draw the report of a run directory again.

    \b
    Example:
      saysel report runs/quickstart
    """
    from saysel.commands.report import report as command

    command(run)


@cli.command()
@click.argument("target", metavar="RUN|MODEL")
@click.argument("question")
@cell
def ask(target: str, question: str, cell: str | None) -> None:
    """Answer, rationale and confidence for one question.

    MODEL is a hub id or a directory, of a whole model or of an adapter.

    \b
    Examples:
      saysel ask runs/mine "Where is the lantern?" --cell seed=1
      saysel ask runs/quickstart "Nora says the lantern is in the cellar. Where is the lantern?"
    """
    from saysel.commands.ask import ask as command

    command(target, question, cell)


def file_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say how files of predictions are read, and what is computed."""
    for option in reversed(
        (
            click.option(
                "--column",
                "columns",
                metavar="ROLE=NAME",
                multiple=True,
                help="The file's column for id, confidence, correct, answer, gold, output or "
                "question, where its name is not a usual one; may be given again.",
            ),
            click.option(
                "--scale",
                type=float,
                metavar="NUMBER",
                help="The confidence that means certainty: 100 for percent, 10 for tenths.  "
                "[default: 1]",
            ),
            click.option(
                "--format",
                metavar="NAME",
                help="Read answer and confidence from whole replies: sayself, percent, tags …",
            ),
            click.option(
                "--judge",
                metavar="NAME",
                help="Compare answers with gold in this way, whatever the file says is correct.  "
                "[default: match, where the file doesn't say]",
            ),
            click.option(
                "--cluster",
                metavar="COLUMN",
                help="The file's column that groups rows which belong together, such as several "
                "rows of a question: intervals treat a group as one.",
            ),
            click.option(
                "--metric",
                "metrics",
                metavar="NAME",
                multiple=True,
                help="Compute this instead of the usual metrics; may be given again.",
            ),
        )
    ):
        command = option(command)
    return command


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@file_options
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the report goes.  [default: scores/FILE's name]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON; a page only with --out.")
def score(file: Path, out: Path | None, as_json: bool, **options: Any) -> None:
    """Metrics with intervals, and a report, for predictions made elsewhere.

    FILE is CSV, TSV, JSON, JSON Lines or Parquet, one row per question: a confidence from 0 to 1,
    and whether the answer is correct; or the answer and the accepted ones (gold).

    \b
    Examples:
      saysel score predictions.csv
      saysel score predictions.jsonl --column confidence=p_true --scale 100
      saysel score replies.jsonl --format tags --column output=text
    """
    # The matrices are small: more threads cost more than they give. Read when numpy is loaded.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from saysel.commands.reading import reading
    from saysel.commands.score import score_file

    score_file(file, reading(**options), out, as_json)


@cli.command()
@click.argument("methods", metavar="RUN|FILE...", nargs=-1, required=True)
@file_options
@click.option("--intersect", is_flag=True, help="Leave out questions that not all have.")
@click.option(
    "--resamples",
    type=click.IntRange(min=100),
    metavar="NUMBER",
    help="Bootstrap samples of the questions.  [default: 10,000, or 200 for each metric of each "
    "method if that is more]",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Of the resampling.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("comparison"),
    show_default=True,
    help="Where table and page go.",
)
def compare(
    methods: tuple[str, ...],
    intersect: bool,
    resamples: int | None,
    seed: int,
    out: Path,
    **options: Any,
) -> None:
    """Compare predictions for the same questions, metric by metric, with the first.

    A RUN alone is compared row by row. Beside others it stands for its last model; RUN:MODEL and
    RUN:MODEL:ESTIMATOR name a row. The options that say how a FILE is read are those of score, and
    hold for all files.

    \b
    Examples:
      saysel compare runs/quickstart
      saysel compare runs/quickstart:sft runs/quickstart:ppo
      saysel compare before.parquet after.parquet --metric brier --metric auroc
      saysel compare a/replies.jsonl b/replies.jsonl --format tags
    """
    from saysel.commands.compare import compare_methods
    from saysel.commands.reading import reading

    compare_methods(methods, reading(**options), intersect, resamples, seed, out)


@cli.command()
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
def export(
    run: Path, predictions: bool, merge: bool, license: str, to: Path | None, cell: str | None
) -> None:
    """Write the last model of a run, for transformers and vLLM; or its predictions.

    \b
    Examples:
      saysel export runs/quickstart --to my-model
      saysel export runs/mine --to my-model --merge --license apache-2.0
      saysel export runs/quickstart --predictions
    """
    from saysel.commands.export import export as command

    command(run, predictions, merge, license, to, cell)


def main() -> None:
    """The console script."""
    # Threads that wait by spinning make a busy machine several times slower, and small models
    # wait often. Read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    cli(prog_name="saysel")
