"""Do the measures distinguish a faithful rationale from one that only sounds faithful?

    saysel run quickstart
    python benchmarks/faithfulness/writers.py runs/quickstart --out benchmarks/faithfulness

The last model of the run answers every question of a split of the witness world, greedily, and is
asked again 20 times. Then several writers explain each answer:

    faithful   the built-in template, from 20 samples that are not used for the measurement
    shuffled   the faithful text of another question
    random     the template's words with places drawn at random, as many as the template names in
               some other question
    generic    "I am not entirely sure."
    model      what the model itself wrote

`--writer FILE` adds a rationale writer whose options are in a YAML file, such as `smollm2.yaml`. It
may be given again. All writers get the same samples as the template.

The witness world is one whose true competing answers are known, so the same is measured twice:
against fresh samples, which is what saysel does, and against the exact posterior. Nothing is
written into the run. Writes `results.csv` and `table.md`.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from saysel.faithfulness.measures import MEASURES, Measured, measure
from saysel.faithfulness.mentions import words
from saysel.interfaces import RationaleWriter
from saysel.recipes.questions import questions
from saysel.recipes.recipe import Recipe, load
from saysel.records import Cluster, Meaning, ModelRef, Question, Reflection, Response
from saysel.registry import build
from saysel.sources.witness import PLACES, posterior
from saysel.stages.faithfulness import ReflectShard, reread
from saysel.storage.models import read_model

Texts = list[str]


def last_model(run: Path, recipe: Recipe) -> tuple[str, ModelRef]:
    """The model that the last phase of training made."""
    phase = recipe.train[-1].use
    (directory,) = (run / "stages").glob(f"train-{phase}-*")
    return phase, read_model(run, directory)


def sampled(
    recipe: Recipe, model: ModelRef, asked: Sequence[Question], n: int, seed: int
) -> list[tuple[Question, Sequence[Cluster]]]:
    """The model's answers, clustered, from samples that nothing is measured against."""
    prompts = [recipe.format.prompt(question) for question in asked]
    items = []
    for question, replies in zip(asked, recipe.sample.sample(model, prompts, n, seed), strict=True):
        answers = [recipe.format.parse(reply.text).answer for reply in replies]
        # Only the answers: what the model says of its confidence is not the writer's to copy.
        responses = [
            Response(question.id, i, answer or "", answer, 0) for i, answer in enumerate(answers)
        ]
        items.append((question, recipe.cluster.cluster(question, responses)))
    return items


def written(spec: object, items: Sequence[tuple[Question, Sequence[Cluster]]]) -> Texts:
    """What a rationale writer writes; an empty text where it has none."""
    writer = build("rationale", spec)
    assert isinstance(writer, RationaleWriter)
    return ["" if one is None else one.text for one in writer.write(items)]


def places_in(text: str) -> list[str]:
    return [word for word in words(text) if word in PLACES]


def randomised(text: str, rng: random.Random) -> str:
    """The text with every place replaced by another, no two the same."""
    drawn = dict(zip(places_in(text), rng.sample(PLACES, len(PLACES)), strict=False))
    return " ".join(
        token.replace(word, drawn[word]) if (word := token.strip(".,")) in drawn else token
        for token in text.split(" ")
    )


def truth(question: Question, reflection: Reflection) -> Reflection:
    """The same rationale with the exact posterior instead of the fresh samples."""
    beliefs = posterior(tuple((who, where) for who, where in question.meta["statements"]))
    return replace(
        reflection,
        meanings=tuple(
            Meaning((f"the {place}",), share, f"the {place}" == reflection.answer)
            for place, share in beliefs.items()
        ),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path, help="a finished run of a recipe on the witness world")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--split", default="heldout")
    parser.add_argument("--n", type=int, default=20, help="fresh samples per question")
    parser.add_argument("--writer", type=Path, action="append", default=[], help="YAML file")
    parser.add_argument("--questions", type=int, help="of the split; all by default")
    arguments = parser.parse_args()
    recipe = load(str(arguments.run / "recipe.yaml"))
    asked = questions(recipe, arguments.split)[: arguments.questions]
    name, model = last_model(arguments.run, recipe)
    drawn = ReflectShard(recipe, recipe.format, model, arguments.n)(0, asked, lambda items: None)
    rng = random.Random(0)
    items = sampled(recipe, model, asked, arguments.n, 1)
    template = written("template", items)

    def mixed() -> Texts:
        return rng.sample(template, len(template))

    writers: dict[str, Callable[[], Texts]] = {
        "faithful": lambda: template,
        "shuffled": mixed,
        "random": lambda: [randomised(text, rng) for text in mixed()],
        "generic": lambda: ["I am not entirely sure."] * len(asked),
    }
    for file in arguments.writer:
        texts = written(yaml.safe_load(file.read_text()), items)
        usable = [text for text in texts if text]
        print(f"{file.stem}: {len(usable)} of {len(texts)} usable, {len(set(usable))} different")
        writers[file.stem] = lambda texts=texts: texts
    found: dict[str, tuple[list[Measured], list[Measured]]] = {}
    for writer, write in writers.items():
        told = [replace(one, rationale=text) for one, text in zip(drawn, write(), strict=True)]
        found[writer] = both(asked, reread(recipe.format, model, asked, told, 0))
    found[f"model ({name})"] = both(asked, drawn)
    report(arguments.out, found)


def both(
    asked: Sequence[Question], reflections: Sequence[Reflection]
) -> tuple[list[Measured], list[Measured]]:
    """Measured against fresh samples, and against the truth."""
    exact = [truth(*pair) for pair in zip(asked, reflections, strict=True)]
    return measure(reflections, asked), measure(exact, asked)


def report(out: Path, found: dict[str, tuple[list[Measured], list[Measured]]]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    header = ["writer", "against", "measure", "value", "low", "high", "used"]
    lines = [
        [writer, against, s.metric, s.value, s.low, s.high, one.used]
        for writer, pair in found.items()
        for against, measured in zip(("samples", "posterior"), pair, strict=True)
        for one in measured
        if one.score.metric != "named_gold_rate"  # independent of the writer
        # A posterior gives every place some mass, so naming any is precise; the rest does not
        # depend on what the rationale is compared with.
        if against == "samples" or one.score.metric in ("mention_recall", "uncertainty_agreement")
        for s in [one.score]
    ]
    with (out / "results.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *lines])
    shown = [measure for measure in MEASURES if measure not in ("named_gold_rate", "grade")]
    columns = [("samples", measure) for measure in shown]
    columns += [("posterior", "mention_recall"), ("posterior", "uncertainty_agreement")]
    cells = {(line[0], line[1], line[2]): cell(*line[3:6]) for line in lines}
    titles = [m if against == "samples" else f"{m}, true" for against, m in columns]
    rows = [["measure", *found], ["---"] * (len(found) + 1)]
    rows += [
        [title, *(cells[writer, against, m] for writer in found)]
        for title, (against, m) in zip(titles, columns, strict=True)
    ]
    text = "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows) + "\n"
    (out / "table.md").write_text(text)
    print(text)


def cell(value: object, low: object, high: object) -> str:
    if value is None:
        return "–"
    return f"{value:.3f} ({low:.3f}–{high:.3f})"


if __name__ == "__main__":
    main()
