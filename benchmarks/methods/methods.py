"""SaySelf, its ablations and its rivals on the same questions, from the same base models.

    python benchmarks/methods/methods.py --jobs 2
    python benchmarks/methods/methods.py --worlds witness --seeds 0 --split dev --out /tmp/dev

Every method of `methods.yaml` (or `--methods FILE`) is a recipe that `saysel run` runs, in one run
directory below `runs/` for each world and seed; a method that names `seeds`, on these only. Stages
that methods share are done once, so that all start from the same base model and the same samples,
and what is done is not done again: the script continues where it stopped. `--only` runs some of the
methods, and writes results only into another directory than this one; then the reference must be
among them.

Writes into `--out`:

    results.csv     every metric of every method, world and seed with its 95 % interval
    costs.csv       tokens and processor seconds of training, and of an answer
    table.md        means over the seeds
    WORLD/          page and CSV of the paired differences to the reference, all seeds together
    versions.json   versions and hardware
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import yaml

from saysel.interfaces import Metric
from saysel.plan.plan import plan
from saysel.plan.stage import Stage
from saysel.recipes.questions import questions
from saysel.recipes.recipe import Recipe, load
from saysel.records import Prediction
from saysel.report.comparison import write as write_comparison
from saysel.scoring import Method, Setting, clusters_of, pool, score, to_arrays
from saysel.stages.evaluate import EvaluateStage
from saysel.storage import Shards, finished, read_json, write_json, write_text

HERE = Path(__file__).parent
METRICS = ("accuracy", "brier", "ece", "auroc", "aurc", "parse_rate", "distinct_confidences")
#: Those with a direction that are worth a difference.
COMPARED = ("accuracy", "brier", "ece", "auroc", "aurc")
#: The row of the best that any method can have.
IDEAL = "*the ideal observer*"
COSTS = ("trained tokens", "read tokens", "training cpu s", "answer tokens", "answer cpu ms")


class Result(NamedTuple):
    """What one method came to in one world on one seed."""

    world: str
    seed: int
    method: str
    scores: dict[str, dict[str, float | None]]  # by metric: value, low, high
    costs: dict[str, float]
    predictions: list[Prediction]  # the ideal observer's are not kept
    clusters: dict[str, str]  # by question, where the world has clusters


def recipe_of(
    settings: Mapping[str, Any], name: str, world_name: str, seed: int, split: str
) -> dict[str, Any]:
    """The recipe of a method in a world, as its YAML says it."""
    world, own = dict(settings["worlds"][world_name]), dict(settings["methods"][name])
    own.pop("seeds", None)
    own |= own.pop("worlds", {}).get(world_name, {})
    estimator = own.pop("estimator", None)
    evaluate = {**world.pop("evaluate", {}), "split": split}
    if estimator is not None:
        evaluate["estimators"] = [estimator]
    phases = world.pop("phases", {})
    world.pop("seeds", None)

    def phase(said: str | Mapping[str, Any]) -> dict[str, Any]:
        own = {"phase": said} if isinstance(said, str) else dict(said)
        named = own.pop("phase")
        return {**settings["phases"][named], **phases.get(named, {}), **own}

    own["train"] = [phase(said) for said in own["train"]]
    source = {"seed": seed, **world.pop("source", {})}
    return {"name": name, **own, **world, "source": source, "evaluate": evaluate, "seed": seed}


def run(said: dict[str, Any], directory: Path, threads: int | None) -> Recipe:
    """Run the missing stages of a recipe in a separate process; nothing if it is evaluated.

    Raises:
        RuntimeError: it failed; the message ends with what it said.
    """
    file = directory / "recipes" / f"{said['name']}.yaml"
    write_text(file, yaml.safe_dump(said, sort_keys=False))
    recipe = load(str(file))
    if finished(judged_by(recipe).directory_in(directory)):
        return recipe
    environment = dict(os.environ)
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    command = [sys.executable, str(HERE / "counted.py"), "run", str(file), "--out", str(directory)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{file}: {done.stdout[-500:]}\n{done.stderr[-2000:]}")
    return recipe


def judged_by(recipe: Recipe) -> EvaluateStage:
    """The evaluation of a method: its last model, asked in the last way."""
    (cell,) = plan(recipe).cells
    return cell.of(EvaluateStage)[-1]


def collect(world: str, seed: int, name: str, recipe: Recipe, directory: Path) -> Result:
    """The scores, costs and predictions of a recipe that was just run here."""
    (cell,) = plan(recipe).cells
    step = judged_by(recipe)
    predictions = list(Shards(step.directory_in(directory), Prediction))
    evaluate = recipe.evaluate
    clusters = clusters_of(questions(recipe, evaluate.split), evaluate.cluster)
    judged = scores(predictions, clusters, evaluate.metrics, seed)
    # Of the samples live the targets, and what prefers one to another.
    sampled = any(trainer.use in ("sft", "dpo") for trainer in recipe.train)
    spent = ("train", "sample") if sampled else ("train",)

    def count(one: Stage) -> dict[str, float]:
        found: dict[str, float] = read_json(directory / "counts" / f"{one.directory}.json")
        return found

    counts = [count(one) for one in cell.steps if one.stage in spent]
    asked = count(step)
    costs = {
        "trained tokens": sum(one["trained"] for one in counts),
        "read tokens": sum(one["read"] for one in counts),
        "training cpu s": sum(one["cpu_seconds"] for one in counts),
        "answer tokens": judged["tokens"]["value"] or 0.0,
        "answer cpu ms": 1000 * asked["cpu_seconds"] / len(predictions),
    }
    return Result(world, seed, name, judged, costs, predictions, clusters)


def scores(
    predictions: Sequence[Prediction],
    clusters: Mapping[str, str],
    metrics: Sequence[Metric],
    seed: int,
) -> dict[str, dict[str, float | None]]:
    """Value and interval of each metric."""
    return {
        one.metric: {"value": one.value, "low": one.low, "high": one.high}
        for one in score(to_arrays(predictions, clusters), metrics, seed=seed)
    }


def ideal(world: str, seed: int, directory: Path) -> list[Result]:
    """The ideal observer, if the source knows it."""
    rows = read_json(directory / "report" / "metrics.json")["rows"]
    return [
        Result(world, seed, IDEAL, row["metrics"], {}, [], {})
        for row in rows
        if row["model"] == "ideal"
    ]


def measured_on(seed: int, methods: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The methods that are measured on a seed: all but those with other `seeds`."""
    return [name for name, own in methods.items() if seed in own.get("seeds", [seed])]


def run_world(
    world: str, seed: int, settings: Mapping[str, Any], only: Sequence[str], split: str, jobs: int
) -> list[Result]:
    """All methods of a world, one after the other, in one run directory.

    One that fails is named and left out, and does not hold up the others.
    """
    directory = Path("runs") / f"methods-{world}-{seed}"
    results: list[Result] = []
    for name in only or measured_on(seed, settings["methods"]):
        said = recipe_of(settings, name, world, seed, split)
        try:
            recipe = run(said, directory, 1 if jobs > 1 else None)
        except RuntimeError as error:
            print(f"{world} {seed} {name:30} FAILED {error}", file=sys.stderr, flush=True)
            continue
        result = collect(world, seed, name, recipe, directory)
        values = "  ".join(f"{key} {result.scores[key]['value'] or 0:.3f}" for key in METRICS)
        costs = f"{result.costs['trained tokens']:,} tokens, {result.costs['training cpu s']:.0f} s"
        print(f"{world} {seed} {name:30} {values}  {costs}", flush=True)
        results += [result] if results else [*ideal(world, seed, directory), result]
    return results


def setting(results: Sequence[Result], name: str) -> Setting:
    """A method's predictions on each seed; a question of another seed is another question.

    A cluster is the same on every seed, so that seeds which share their questions do not count as
    independent.
    """
    own = [result for result in results if result.method == name]
    return Setting(name, {str(result.seed): _method(result) for result in own})


def _method(result: Result) -> Method:
    return Method(
        result.method,
        [
            replace(one, question_id=f"{result.seed}/{one.question_id}")
            for one in result.predictions
        ],
        clusters={f"{result.seed}/{id}": cluster for id, cluster in result.clusters.items()},
    )


def write_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def table(
    results: Sequence[Result],
    reference: str,
    verdicts: Mapping[tuple[str, str], str],
    costs: Sequence[str] = COSTS,
) -> str:
    """Means over the seeds; ✓ or ✗ next to significant differences.

    The best first, by Brier score, a reply whose confidence cannot be read counting 1. Differences
    are tested across seeds and questions, on the seeds of both methods, see
    `saysel.scoring.pooling`. The number of seeds is shown if it differs between methods.
    """
    methods = list(dict.fromkeys(one.method for one in results))
    seeds = {name: len({one.seed for one in results if one.method == name}) for name in methods}
    differ = len(set(seeds.values())) > 1
    columns = ["method", *(["seeds"] if differ else []), *METRICS, *costs]
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]

    def of(name: str, metric: str) -> dict[int, float | None]:
        return {one.seed: one.scores[metric]["value"] for one in results if one.method == name}

    def average(name: str, metric: str) -> float | None:
        given = [value for value in of(name, metric).values() if value is not None]
        return mean(given) if given else None

    def mark(name: str, metric: str) -> str:
        """Better or worse than the reference."""
        return verdicts.get((name, metric), "")

    def loss(name: str) -> float:
        read = average(name, "parse_rate") or 0.0
        return 1 - read + read * (average(name, "brier") or 0.0)

    for name in sorted(methods, key=loss):
        cells = [f"**{name}**" if name == reference else name]
        cells += [str(seeds[name])] if differ else []
        for metric in METRICS:
            value = average(name, metric)
            digits = 0 if metric == "distinct_confidences" else 3
            shown = "–" if value is None else f"{value:.{digits}f}"
            cells.append(f"{shown} {mark(name, metric)}".strip())
        for cost in costs:
            spent = [one.costs[cost] for one in results if one.method == name and one.costs]
            digits = 2 if cost == "answer cpu ms" else 0
            cells.append(f"{mean(spent):,.{digits}f}" if spent else "–")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def write(
    results: Sequence[Result],
    reference: str,
    out: Path,
    recipe: Recipe,
    costs: Sequence[str] = COSTS,
) -> None:
    """Everything that is committed.

    Args:
        costs: those of the table.
    """
    scored = [
        {"world": r.world, "seed": r.seed, "method": r.method, "metric": metric}
        | {end: "" if score[end] is None else score[end] for end in ("value", "low", "high")}
        for r in results
        for metric, score in r.scores.items()
    ]
    spent = [
        {"world": r.world, "seed": r.seed, "method": r.method}
        | {k: f"{r.costs[k]:.6g}" for k in COSTS}
        for r in results
        if r.costs
    ]
    out.mkdir(parents=True, exist_ok=True)
    write_csv(out / "results.csv", scored)
    write_csv(out / "costs.csv", spent)
    chosen = [metric for metric in recipe.evaluate.metrics if metric.use in COMPARED]
    pages = []
    for world in dict.fromkeys(one.world for one in results):
        here = [one for one in results if one.world == world]
        names = dict.fromkeys([reference, *(one.method for one in here if one.predictions)])
        comparison = pool([setting(here, name) for name in names], chosen).comparison()
        write_comparison(comparison, out / world)
        marks = {"better": "✓", "worse": "✗", "unclear": ""}
        verdicts = {(one.method, one.metric): marks[one.outcome] for one in comparison.differences}
        seeds = sorted({one.seed for one in here})
        pages.append(
            f"## {world}\n\nSeeds {', '.join(map(str, seeds))}; {comparison.questions:,} questions "
            f"in all.\n\n{table(here, reference, verdicts, costs)}"
        )
    write_text(out / "table.md", "\n".join(pages))


def write_versions(run: Path, out: Path) -> None:
    """Versions and hardware of a run."""
    manifest = read_json(run / "manifest.json")
    versions = {**manifest["versions"], "python": platform.python_version()}
    write_json(out / "versions.json", {"versions": versions, "hardware": manifest["hardware"]})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--methods", type=Path, default=HERE / "methods.yaml")
    parser.add_argument("--worlds", nargs="+")
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--only", nargs="+", default=[], help="these methods; see above")
    parser.add_argument("--split", default="heldout")
    parser.add_argument("--jobs", type=int, default=1, help="run directories side by side")
    parser.add_argument("--out", type=Path, default=HERE)
    arguments = parser.parse_args()
    settings = yaml.safe_load(arguments.methods.read_text(encoding="utf-8"))
    worlds = arguments.worlds or list(settings["worlds"])
    seeds = {
        world: arguments.seeds or settings["worlds"][world].get("seeds", settings["seeds"])
        for world in worlds
    }
    tasks = [(world, seed) for world in worlds for seed in seeds[world]]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        parts = pool.map(
            lambda at: run_world(*at, settings, arguments.only, arguments.split, arguments.jobs),
            sorted(tasks, key=lambda task: task[1]),
        )
        results = [result for part in parts for result in part]
    if (
        arguments.only and arguments.out.resolve() == HERE.resolve()
    ):  # the committed table has all methods
        return
    first = Path("runs") / f"methods-{worlds[0]}-{seeds[worlds[0]][0]}"
    write(results, settings["reference"], arguments.out, load(str(first / "recipe.yaml")))
    write_versions(first, arguments.out)


if __name__ == "__main__":
    main()
