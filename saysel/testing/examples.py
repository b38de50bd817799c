"""Records to test with, and what components get from the framework, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from saysel import registry
from saysel.interfaces import Format, Judge, Model, Progress, Sampler, Source, TrainingData
from saysel.records import Cluster, Example, ModelRef, Question, Response


def question(**changes: Any) -> Question:
    """A question whose answer is "Paris"."""
    values = {"id": "capital", "prompt": "What is the capital of France?", "answers": ("Paris",)}
    return Question(**{**values, **changes})


def responses(*answers: str | None, question_id: str = "capital") -> list[Response]:
    """One response per answer, in order; `None`: no answer could be parsed."""
    return [
        Response(question_id, index, f"Answer: {answer}" if answer else "…", answer, tokens=5)
        for index, answer in enumerate(answers)
    ]


def clusters(shares: dict[str, int], question_id: str = "capital") -> list[Cluster]:
    """Clusters of the given sizes, in the given order: `{"Paris": 6, "Rome": 3}`."""
    answers = [answer for answer, size in shares.items() for _ in range(size)]
    sampled = responses(*answers, question_id=question_id)
    grouped = []
    for answer in shares:
        members = [response for response in sampled if response.answer == answer]
        indices = tuple(member.index for member in members)
        grouped.append(Cluster(question_id, indices, members[0], len(members) / len(sampled)))
    return grouped


class Steps(Progress):
    """Progress that only counts.

    Attributes:
        total, unit: the arguments of the last `begin`.
        done: units advanced since then.
    """

    total = 0
    unit = ""
    done = 0

    def begin(self, total: int, unit: str) -> None:
        self.total, self.unit, self.done = total, unit, 0

    def advance(self, units: int = 1) -> None:
        self.done += units


@dataclass
class Data(TrainingData):
    """Training data held in memory.

    Attributes:
        all_questions: returned by `questions` for every split.
        all_examples: returned by `examples`.
        all_responses: returned by `responses`.
        figures: the logged figures, in order.
    """

    all_questions: Sequence[Question] = ()
    all_examples: Sequence[Example] = ()
    all_responses: Sequence[Response] = ()
    format: Format = field(default_factory=lambda: build("format", "sayself"))
    judge: Judge = field(default_factory=lambda: build("judge", "match"))
    sampler: Sampler = field(
        default_factory=lambda: build("sampler", {"use": "transformers", "max_tokens": 16})
    )
    temperature: float = 0.7
    seed: int = 0
    progress: Progress = field(default_factory=Steps)
    figures: list[dict[str, float]] = field(default_factory=list)

    def examples(self) -> list[Example]:
        return list(self.all_examples)

    def questions(self, split: str = "train") -> list[Question]:
        return list(self.all_questions)

    def responses(self) -> list[Response]:
        return list(self.all_responses)

    def log(self, **values: float) -> None:
        self.figures.append(values)


def small_model(directory: Path) -> ModelRef:
    """An untrained causal LM with a chat template, built below `directory`."""
    options = {"layers": 1, "width": 16, "heads": 2, "vocabulary": 400, "max_steps": 2}
    model: Model = build("model", {"use": "scratch", **options})
    return model.prepare(stories(), build("format", "sayself"), directory, 0, Steps())


def stories() -> Source:
    """A few questions to build a model with or to ask it."""
    sizes = {"pretrain": 64, "train": 8, "dev": 4, "heldout": 4}
    source: Source = build("source", {"use": "witness", **sizes})
    return source


def build(kind: str, spec: object) -> Any:
    """A built-in component."""
    return registry.build(kind, spec)
