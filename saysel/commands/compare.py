"""`saysel compare`: the differences between predictions for the same questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from saysel.commands.reading import Reading
from saysel.display.terminal import echo
from saysel.errors import UsageError
from saysel.plan.plan import plan
from saysel.recipes.recipe import load
from saysel.scoring import Method, clusters_of, compare


def compare_methods(
    arguments: Sequence[str],
    how: Reading,
    intersect: bool,
    resamples: int | None,
    seed: int,
    out: Path,
) -> None:
    """Print the differences from the first method, and write them as CSV and as a page.

    Args:
        how: how files are read, and what is compared.

    Raises:
        SayselError: see `methods` and `saysel.scoring.compare`.
    """
    from saysel.report.comparison import write

    if how.asked and not any(Path(argument).is_file() for argument in arguments):
        raise UsageError(
            f"{', '.join(how.asked)}: for files of predictions, and none is compared: leave it out"
        )
    result = compare(methods(arguments, how), how.components.metric, intersect, resamples, seed)
    write(result, out)
    echo(result)
    echo(f"page: {out / 'index.html'}")


def methods(arguments: Sequence[str], how: Reading) -> list[Method]:
    """What the arguments stand for, under names that differ.

    Those of one name are told apart by the folders that they are in.

    Raises:
        SayselError: see `_methods`.
    """
    alone = len(arguments) == 1
    found = [pair for argument in arguments for pair in _methods(argument, how, alone)]
    names = [method.name for _, method in found]
    places = {name: [place for place, method in found if method.name == name] for name in names}
    return [
        replace(method, name=_told_apart(place, method.name, places[method.name]))
        for place, method in found
    ]


def _told_apart(place: Path, name: str, places: Sequence[Path]) -> str:
    """The name, after as many folders as it takes to differ from others of the name.

    Args:
        places: of all methods of the name.
    """
    parts = place.resolve().parts
    others = {other.resolve().parts for other in places} - {parts}
    for depth in range(1, len(parts) if others else 0):
        if all(other[-depth - 1 :] != parts[-depth - 1 :] for other in others):
            return "/".join([*parts[-depth - 1 : -1], name])
    return name


def _methods(argument: str, how: Reading, alone: bool) -> list[tuple[Path, Method]]:
    """The predictions that an argument of the command line stands for, and where they are.

    Args:
        argument: a file of predictions, or `RUN`, `RUN:MODEL` or `RUN:MODEL:ESTIMATOR`.
        alone: whether a run's name alone means all of its rows, and not only its last model.

    Raises:
        UsageError: there is no such file, run or row, or the run has no predictions there yet.
        DataError: see `saysel.files.load_predictions`.
    """
    path = Path(argument)
    if path.is_file():
        file = how.load(path)
        # Without a column of its own, a question's text is its id.
        known = "question" in file.columns
        texts = {q.id: q.prompt for q in file.questions.values()} if known else {}
        if not known and "id" not in file.columns:
            echo(
                f"{path}: no column is known to be the id: its rows are paired by their order",
                err=True,
            )
        return [(path, Method(path.name, file.predictions, texts, file.clusters))]
    for colons in range(3):
        place, *wanted = argument.rsplit(":", colons)
        if (Path(place) / "recipe.yaml").is_file():
            return [(Path(place), row) for row in rows_of_run(Path(place), wanted, alone)]
    raise UsageError(f"{argument}: no such file of predictions, and no run directory")


def rows_of_run(run: Path, wanted: Sequence[str], alone: bool) -> list[Method]:
    """The rows of a run's report, without the ideal observer's."""
    from saysel.recipes.questions import questions
    from saysel.records import Prediction
    from saysel.stages import how_to_go_on, stage_directory, stored
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
        evaluated = questions(recipe, recipe.evaluate.split)
        prompts = {question.id: question.prompt for question in evaluated}
        clusters = clusters_of(evaluated, recipe.evaluate.cluster)
        for model, estimator, step in chosen:
            directory = stage_directory(run, step)
            if finished(directory) is None:
                raise UsageError(f"{run}: {step.name} is not done: {how_to_go_on(run, todo, step)}")
            parts = ["" if alone else run.name, cell.label, model, estimator]
            name = " · ".join(part for part in parts if part)
            found.append(Method(name, list(stored(directory, Prediction)), prompts, clusters))
    return found
