"""Components that violate the contract of their kind, one violation per class.

Each is registered under its kind and the name of its class; `MUST` is the part of the error message
that states what the method must return.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import saysel
from saysel.formats.tags import TagsFormat
from saysel.interfaces import (
    Clusterer,
    Engine,
    Estimator,
    Judge,
    Metric,
    Model,
    Parsed,
    RationaleWriter,
    Sampler,
    Source,
    Target,
    Trainer,
)
from saysel.records import Cluster, Generation, ModelRef, Prediction, Question, Rationale

FAULTS: list[type[Any]] = []


def fault(base: type[Any], must: str, method: str, returned: Callable[..., Any]) -> None:
    """Define a component whose method returns the result of a function of its arguments."""
    number = sum(cls.kind == base.kind for cls in FAULTS)
    name = f"Careless{base.__name__}{number}"
    others = {
        other: OTHERS[base.kind][other] for other in OTHERS.get(base.kind, {}) if other != method
    }
    content = {
        "__doc__": "Violates its contract.",
        "__module__": __name__,
        "MUST": must,
        "__annotations__": {"MUST": ClassVar[str]},
        method: lambda self, *arguments, **options: returned(*arguments, **options),
        **others,
    }
    if base is Metric:
        content["better"] = "higher"
        content["__annotations__"]["better"] = ClassVar[Literal["higher"]]
    cls = type(base)(name, (base,), content)
    globals()[name] = cls
    FAULTS.append(cls)


OTHERS: dict[str, dict[str, Any]] = {
    "trainer": {"work": lambda self, examples: (1, "steps")},
    "target": {"target": lambda self, question, clusters, correct: None},
    "estimator": {
        "estimate": lambda self, model, questions, context: (
            Prediction(question.id, "1", "1", None, 1.0) for question in questions
        )
    },
    "metric": {"compute": lambda self, predictions: 1.0},
}

LIST = "a list of 4 Generations for each of"
for made in (
    lambda model, prompts, n, seed: [[Generation("1", 1)] * n for _ in prompts[1:]],
    lambda model, prompts, n, seed: [[Generation("1", 1)] * n for _ in [*prompts, 1]],
    lambda model, prompts, n, seed: [[Generation("1", 1)] * (n - 1) for _ in prompts],
    lambda model, prompts, n, seed: None,
    lambda model, prompts, n, seed: "text",
):
    fault(Sampler, LIST, "sample", made)
for one in ("text", Generation(None, 1), Generation("1", 1.5), Generation("1", 1, "likely")):  # type: ignore[arg-type]
    fault(
        Sampler,
        "Generations with a text",
        "sample",
        lambda model, prompts, n, seed, one=one: [[one] * n for _ in prompts],
    )
CLUSTERS = "a list of Clusters, largest first"
for groups in (
    lambda question, responses: [(0, 1)],
    lambda question, responses: None,
    lambda question, responses: [Cluster(question.id, (0, 99), responses[0], 0.5)],
    lambda question, responses: [Cluster(question.id, (0, 1), responses[0], 0.5)] * 2,
    lambda question, responses: [Cluster("other", (0, 1), responses[0], 0.5)],
    lambda question, responses: [Cluster(question.id, (0, 1), responses[2], 0.5)],
    lambda question, responses: [Cluster(question.id, (0, 1), responses[0], 2)],
    lambda question, responses: [
        Cluster(question.id, (0,), responses[0], 0.25),
        Cluster(question.id, (1, 2), responses[1], 0.5),
    ],
):
    fault(Clusterer, CLUSTERS, "cluster", groups)
RATIONALE = "one Rationale or None for each question"
for written in (
    lambda items: [Rationale(question.id, "…") for question, _ in items[1:]],
    lambda items: [Rationale(question.id, "…") for question, _ in reversed(items)],
    lambda items: ["I would say so." for _ in items],
    lambda items: [Rationale(question.id, None) for question, _ in items],  # type: ignore[arg-type]
    lambda items: None,
    lambda items: "…" * len(items),
):
    fault(RationaleWriter, RATIONALE, "write", written)
CORRECTNESS = "one correctness from 0 to 1, or None, for each answer"
for judged in (
    lambda items: [1.0 for _ in items[1:]],
    lambda items: ["right" for _ in items],
    lambda items: [float("nan") for _ in items],
    lambda items: [2 for _ in items],
    lambda items: 1.0,
):
    fault(Judge, CORRECTNESS, "judge", judged)
CHOICE = "a Response to the question and a confidence from 0 to 1, or None"
for chosen in (
    lambda question, clusters, correct: clusters[0].representative,
    lambda question, clusters, correct: (clusters[0].representative, 50),
    lambda question, clusters, correct: (clusters[0].representative, float("nan")),
    lambda question, clusters, correct: (clusters[0].representative, "high"),
    lambda question, clusters, correct: ("1", 0.5),
    lambda question, clusters, correct: [],
):
    fault(Target, CHOICE, "target", chosen)
fault(Target, "the target to use", "fit", lambda items: None)
PREDICTIONS = "one Prediction for each of"
for told in (
    lambda model, questions, context: [
        Prediction(question.id, "1", "1", None, 1.0) for question in questions[1:]
    ],
    lambda model, questions, context: [
        Prediction(question.id, "1", "1", None, 1.0) for question in reversed(questions)
    ],
    lambda model, questions, context: [("1", 1.0) for _ in questions],
    lambda model, questions, context: None,
):
    fault(Estimator, PREDICTIONS, "estimate", told)
for confidence in (50, float("nan"), "high"):
    fault(
        Estimator,
        "Predictions with texts, a confidence from 0 to 1 or None",
        "estimate",
        lambda model, questions, context, stated=confidence: [
            Prediction(question.id, "1", "1", None, stated) for question in questions
        ],
    )
fault(Estimator, "the estimator to use", "fit", lambda model, context: None)
REF = "a ModelRef whose fields are texts, with a path"
for ref in (None, "here", ModelRef(Path("here")), ModelRef("")):  # type: ignore[arg-type]
    fault(Model, REF, "prepare", lambda *_, ref=ref: ref)
    fault(Trainer, REF, "train", lambda *_, ref=ref: ref)
SOUND = "Questions whose id and prompt are texts, and whose answers are a tuple of texts"
for question in (
    Question(1, "1 + 1?", ("2",)),  # type: ignore[arg-type]
    Question("q", None, ("2",)),  # type: ignore[arg-type]
    Question("q", "1 + 1?", "2"),  # type: ignore[arg-type]
    Question("q", "1 + 1?", (2,)),  # type: ignore[arg-type]
    {"id": "q", "prompt": "1 + 1?", "answers": ("2",)},
):
    fault(Source, SOUND, "questions", lambda split, question=question: iter([question]))
fault(Source, SOUND, "questions", lambda split: None)
NUMBER = "a number, NaN where it is undefined"
for number in (None, "1", [1.0]):
    fault(Metric, NUMBER, "compute", lambda predictions, number=number: number)
fault(Metric, "an array of", "resampled", lambda predictions, weights: [1.0])
for asked in ("1 + 1?", [], [{"role": "robot", "content": "?"}], [{"role": "user"}], None):
    fault(TagsFormat, "a list of messages", "prompt", lambda question, asked=asked: asked)
for read in (
    None,
    ("1", None, 0.5),
    Parsed("1", None, 7),
    Parsed(1, None, 0.5),  # type: ignore[arg-type]
    Parsed("1", None, float("nan")),
):
    fault(
        TagsFormat,
        "Parsed(answer, rationale, confidence)",
        "parse",
        lambda *_, read=read, **__: read,
    )


class Reader(Sampler):
    """Always returns the same response, in the format `tags`."""

    def sample(
        self, model: ModelRef, prompts: Any, n: int, seed: int
    ) -> Iterator[list[Generation]]:
        reply = "<answer>1</answer><analysis>Sure.</analysis><confidence>0.5</confidence>"
        return iter([[Generation(reply, 1)] * n for _ in prompts])


class LosingEngine(Engine):
    """Loses the last shard."""

    MUST: ClassVar[str] = "the result of every shard"

    def map(self, function: Callable[[Any], Any], shards: Any) -> Iterator[Any]:
        return map(function, list(shards)[:-1])


FAULTS.append(LosingEngine)


def _claims(kind: str) -> Callable[[], dict[str, str]]:
    def claims() -> dict[str, str]:
        return {
            cls.__name__: f"{__name__}:{cls.__name__}"
            for cls in [*FAULTS, Reader]
            if cls.kind == kind
        }

    return claims


for kind in {cls.kind for cls in FAULTS}:
    hook = _claims(kind)
    hook.__name__ = f"saysel_{kind}s"
    globals()[hook.__name__] = saysel.hookimpl(hook)
