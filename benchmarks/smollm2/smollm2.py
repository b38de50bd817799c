"""SaySelf and its rivals on SmolLM2-135M-Instruct: what a real model knows of ParaRel's facts.

    python benchmarks/smollm2/weights.py build/smollm2
    python -m benchmarks.smollm2.smollm2 --pararel pararel_data.json

Run in the project's directory. Every method of `methods.yaml` is run by
`benchmarks/methods/methods.py`, in one run directory `runs/methods-smollm2-SEED` for each seed;
stages that methods share are done once, and the script continues where it stopped. `--only` runs
some of the methods and writes no results.

Each seed holds out five relations. A held-out question is therefore either about a subject that
training did not ask about, of a relation that it did (`new-subjects`), or of a relation that it
never asked about (`new-relations`). Both are reported, and both are answered by the same models.

Writes into `--out` what `methods.py` writes, with these two as its worlds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks.methods import methods
from benchmarks.methods.methods import Result
from saysel.interfaces import Metric
from saysel.recipes.recipe import Recipe, load

HERE = Path(__file__).parent
WORLD = "smollm2"
#: The costs of the table. Its seeds were run on different machines, so their seconds differ.
COSTS = ("trained tokens", "read tokens", "answer tokens")


def run_seed(settings: Mapping[str, Any], seed: int, arguments: argparse.Namespace) -> list[Result]:
    """All methods on one seed, scored on each of the two kinds of held-out questions."""
    held_out = settings["heldout_relations"][seed]
    world = settings["worlds"][WORLD]
    own = {
        "model": {**world["model"], "path": str(arguments.model)},
        "source": {
            **world["source"],
            "path": str(arguments.pararel),
            "heldout_relations": held_out,
        },
    }
    settings = {**settings, "worlds": {WORLD: {**world, **own}}}
    results = methods.run_world(WORLD, seed, settings, arguments.only, arguments.split, jobs=1)
    metrics = recipe_of(seed).evaluate.metrics
    return [part for result in results for part in parts(result, held_out, metrics)]


def recipe_of(seed: int) -> Recipe:
    """The recipe of the method that was run last on a seed."""
    return load(str(directory(seed) / "recipe.yaml"))


def directory(seed: int) -> Path:
    return Path("runs") / f"methods-{WORLD}-{seed}"


def parts(result: Result, held_out: Sequence[str], metrics: Sequence[Metric]) -> Iterator[Result]:
    """The result on questions of known relations, and on those of held-out relations.

    Tokens and seconds of an answer are those of all questions.
    """
    for world, is_held_out in (("new-subjects", False), ("new-relations", True)):
        predictions = [
            prediction
            for prediction in result.predictions
            if (result.clusters[prediction.question_id] in held_out) == is_held_out
        ]
        clusters = {one.question_id: result.clusters[one.question_id] for one in predictions}
        yield result._replace(
            world=world,
            scores=methods.scores(predictions, clusters, metrics, result.seed),
            predictions=predictions,
            clusters=clusters,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--methods", type=Path, default=HERE / "methods.yaml")
    parser.add_argument("--model", type=Path, default=Path("build/smollm2"))
    parser.add_argument(
        "--pararel",
        type=Path,
        default=Path("pararel_data.json"),
        help="the file of the SaySelf release",
    )
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--only", nargs="+", default=[], help="these methods; writes no results")
    parser.add_argument("--split", default="heldout")
    parser.add_argument("--out", type=Path, default=HERE)
    arguments = parser.parse_args()
    settings = yaml.safe_load(arguments.methods.read_text(encoding="utf-8"))
    seeds = arguments.seeds or settings["seeds"]
    results = [result for seed in seeds for result in run_seed(settings, seed, arguments)]
    if arguments.only:
        return
    methods.write(results, settings["reference"], arguments.out, recipe_of(seeds[0]), COSTS)
    methods.write_versions(directory(seeds[0]), arguments.out)


if __name__ == "__main__":
    main()
