"""`saysel compare`: the differences between predictions for the same questions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from saysel import recipe_yaml
from saysel.comparison import Method, compare
from saysel.errors import UsageError
from saysel.plan import plan
from saysel.predictions import load as load_file
from saysel.recipe import Evaluate, load
from saysel.recipe_problems import problems


def compare_methods(
    arguments: Sequence[str],
    metrics: Sequence[str],
    intersect: bool,
    resamples: int,
    seed: int,
    out: Path,
) -> None:
    """Print the differences from the first method, and write them as CSV and as a page.

    Raises:
        SayselError: see `methods` and `saysel.comparison.compare`.
    """
    from saysel.report.comparison import plain_tables, write

    chosen = _metrics(metrics)
    found = [method for argument in arguments for method in methods(argument, len(arguments) == 1)]
    result = compare(found, chosen, intersect, resamples, seed)
    write(result, out)
    click.echo(plain_tables(result))
    click.echo(f"page: {out / 'index.html'}")


def _metrics(named: Sequence[str]) -> Any:
    """The metrics that were named, by name or as a recipe would have them; else the usual ones."""
    try:
        chosen = {"metrics": [recipe_yaml.parse(text) for text in named]} if named else {}
        return Evaluate.model_validate(chosen).metrics
    except ValidationError as error:
        raise UsageError(
            "\n".join(f"--metric: {one}" for one in problems(error, Evaluate))
        ) from None
    except ValueError as error:
        raise UsageError(f"--metric: {error}") from None


def methods(argument: str, alone: bool) -> list[Method]:
    """The predictions that an argument of the command line stands for.

    Args:
        argument: a file of predictions, or `RUN`, `RUN:MODEL` or `RUN:MODEL:ESTIMATOR`.
        alone: whether a run's name alone means all of its rows, and not only its last model.

    Raises:
        UsageError: there is no such file, run or row, or the run has no predictions there yet.
        DataError: see `saysel.predictions.load`.
    """
    path = Path(argument)
    if path.is_file():
        file = load_file(path)
        # Without a column of its own, a question's text is its id.
        known = "question" in file.columns
        texts = {q.id: q.prompt for q in file.questions.values()} if known else {}
        if not known and "id" not in file.columns:
            click.echo(
                f"{path}: no column is known to be the id: its rows are paired by their order",
                err=True,
            )
        return [Method(path.name, file.predictions, texts)]
    for colons in range(3):
        place, *wanted = argument.rsplit(":", colons)
        if (Path(place) / "recipe.yaml").is_file():
            return rows_of_run(Path(place), wanted, alone)
    raise UsageError(f"{argument}: no such file of predictions, and no run directory")


def rows_of_run(run: Path, wanted: Sequence[str], alone: bool) -> list[Method]:
    """The rows of a run's report, without the ideal observer's."""
    from saysel.records import Prediction
    from saysel.stages import how_to_go_on, questions, stage_directory, stored
    from saysel.storage import finished

    found = []
    todo = plan(load(str(run / "recipe.yaml")))
    for cell in todo.cells:
        steps = cell.evaluations()
        named = [(s.model, s.name.removeprefix(f"evaluate-{s.model}-"), s) for s in steps]
        model = wanted[0] if wanted else named[-1][0]
        asked = [row for row in named if row[0] == model]
        estimator = wanted[1] if len(wanted) > 1 else (asked or named)[0][1]
        chosen = named if alone and not wanted else [row for row in asked if row[1] == estimator]
        if not chosen:
            there = ", ".join(f"{model}:{estimator}" for model, estimator, _ in named)
            raise UsageError(f"{run} has no row '{':'.join(wanted)}'; there are {there}")
        recipe = cell.recipe
        prompts = {q.id: q.prompt for q in questions(recipe, recipe.evaluate.split)}
        for model, estimator, step in chosen:
            directory = stage_directory(run, step)
            if finished(directory) is None:
                raise UsageError(f"{run}: {step.name} is not done: {how_to_go_on(run, todo, step)}")
            parts = ["" if alone else run.name, cell.label, model, estimator]
            name = " · ".join(part for part in parts if part)
            found.append(Method(name, list(stored(directory, Prediction)), prompts))
    return found
