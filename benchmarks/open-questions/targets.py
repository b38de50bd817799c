"""What each setting of a matrix would teach: its clusters against the truth, without training.

    saysel run clusterers --until target --set source.path=pararel_data.json
    python benchmarks/open-questions/targets.py runs/clusterers --out DIRECTORY

Reads a run up to the stage `target`. Writes `NAME-targets.csv` and `.md`, means over the seeds:

    clusters     per question
    split        of the correct responses, how many are outside the largest correct cluster
    merged       of the responses in clusters with a correct representative, how many are wrong
    accuracy, brier, auroc
                 of the largest cluster's representative, with the cluster's share as confidence,
                 and the difference in Brier score and AUROC from the first setting
    examples     for fine-tuning, as a share of the questions, and the mean confidence they state
    seconds      of the clusterer
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from saysel import registry
from saysel.plan.plan import plan
from saysel.plan.stage import Cell
from saysel.recipes.questions import questions
from saysel.recipes.recipe import load
from saysel.records import Cluster, Example, Prediction, Question, Response
from saysel.report.text_tables import markdown
from saysel.scoring import Method, Pooled, Setting, clusters_of, pool
from saysel.stages.cluster import ClusterStage
from saysel.stages.sample import SampleStage
from saysel.stages.shards import by_question
from saysel.stages.target import TargetStage
from saysel.storage import Shards

SCORES = ("accuracy", "brier", "auroc")


class Found(NamedTuple):
    """One cell."""

    measures: Mapping[str, float]
    #: The largest cluster of each question, its share as the confidence.
    largest: Method


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    settings: dict[str, dict[str, Found]] = defaultdict(dict)
    for cell in plan(load(str(arguments.run / "recipe.yaml"))).cells:
        setting, _, seed = cell.label.rpartition(",")
        settings[setting][seed] = measure(cell, arguments.run)
    pooled = pool(
        [
            Setting(name, {seed: found.largest for seed, found in seeds.items()})
            for name, seeds in settings.items()
        ],
        [registry.build("metric", name) for name in SCORES],
    )
    rows = [row(name, list(seeds.values()), pooled) for name, seeds in settings.items()]
    name = f"{arguments.run.name}-targets"
    with (arguments.out / f"{name}.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(rows[0])
        writer.writerows(one.values() for one in rows)
    text = markdown(list(rows[0]), [list(one.values()) for one in rows])
    (arguments.out / f"{name}.md").write_text(text)
    print(text)


def measure(cell: Cell, run: Path) -> Found:
    """Compare the clusters and examples of a cell with correct answers."""
    recipe = cell.recipe
    (sample,), (cluster,), (target,) = (
        cell.of(stage) for stage in (SampleStage, ClusterStage, TargetStage)
    )
    asked = questions(recipe, "train")
    responses = by_question(asked, Shards(sample.directory_in(run), Response))
    clusters = {
        question.id: found
        for question, found in by_question(asked, Shards(cluster.directory_in(run), Cluster))
    }
    examples = list(Shards(target.directory_in(run), Example))
    seconds = json.loads((run / "manifest.json").read_text())["stages"][cluster.directory]["work"]

    counts, split, merged, largest = [], [], [], []
    for question, own in responses:
        found = clusters.get(question.id, [])
        answers = [(question, one.answer) for one in own]
        correct = {
            one.index: bool(judged)
            for one, judged in zip(own, recipe.judge.judge_answers(answers), strict=True)
        }
        counts.append(len(found))
        split += outside_largest(found, correct)
        merged += wrong_in_correct(found, correct)
        if found:
            largest.append(prediction(question, found[0], correct))
    measures = {
        "clusters": fmean(counts),
        "split": fmean(split),
        "merged": fmean(merged),
        "examples": len(examples) / len(asked),
        "confidence": fmean(one.confidence or 0 for one in examples),
        "seconds": seconds["seconds"],
    }
    relations = clusters_of(asked, recipe.evaluate.cluster)
    return Found(measures, Method(cell.label, largest, clusters=relations))


def outside_largest(clusters: Sequence[Cluster], correct: Mapping[int, bool]) -> list[bool]:
    """For each correct response in a cluster: is it outside that with most correct ones?"""
    sizes = sorted(sum(correct[member] for member in one.members) for one in clusters)
    return [False] * sizes[-1] + [True] * sum(sizes[:-1]) if sizes else []


def wrong_in_correct(clusters: Sequence[Cluster], correct: Mapping[int, bool]) -> list[bool]:
    """For each response in a cluster that counts as correct: is it wrong itself?"""
    return [
        not correct[member]
        for one in clusters
        if correct[one.representative.index]
        for member in one.members
    ]


def prediction(question: Question, cluster: Cluster, correct: Mapping[int, bool]) -> Prediction:
    """A cluster's representative, with the cluster's share as its confidence."""
    chosen = cluster.representative
    return Prediction(
        question_id=question.id,
        response=chosen.text,
        answer=chosen.answer,
        rationale=None,
        confidence=cluster.share,
        correct=float(correct[chosen.index]),
        tokens=chosen.tokens,
    )


def row(setting: str, found: Sequence[Found], pooled: Pooled) -> dict[str, str]:
    """A setting's means over the seeds, by column."""

    def mean_of(measure: str) -> float:
        return fmean(one.measures[measure] for one in found)

    def score_of(metric: str) -> str:
        score = pooled.score(setting, metric)
        assert score is not None and score.mean is not None, (setting, metric)
        return f"{score.mean:.3f}"

    def change_of(metric: str) -> str:
        difference = pooled.difference(setting, metric)
        if difference is None:
            return "–"
        return f"{difference.difference:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"

    return {
        "setting": setting,
        "seeds": str(len(found)),
        "clusters": f"{mean_of('clusters'):.2f}",
        "split": f"{mean_of('split'):.3f}",
        "merged": f"{mean_of('merged'):.3f}",
        **{metric: score_of(metric) for metric in SCORES},
        **{f"{metric}, change (95 %)": change_of(metric) for metric in SCORES[1:]},
        "examples": f"{mean_of('examples'):.3f}",
        "confidence": f"{mean_of('confidence'):.3f}",
        "seconds": f"{mean_of('seconds'):.1f}",
    }


if __name__ == "__main__":
    main()
