"""The witness world as a task of Inspect: `inspect eval saysel_witness/witness`."""

from __future__ import annotations

from statistics import fmean
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessage, ChatMessageSystem, ChatMessageUser
from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, accuracy, metric, scorer
from inspect_ai.solver import TaskState, generate

from saysel.records import Message, Question
from saysel_witness.stories import World


@task
def witness(
    n: int = 200,
    split: str = "heldout",
    seed: int = 0,
    format: str = "percent",
    reliabilities: bool = True,
) -> Task:
    """Answers and confidences in the witness world, compared with the best possible ones.

    Args:
        n: number of stories.
        split: which part of the world's stories: `dev` to choose prompts on, `heldout` to report.
        seed: another seed gives other stories of the same world.
        format: how a reply states its answer and confidence: a format of saysel.
        reliabilities: whether the prompt says how often each witness is right.
    """
    world = World(split, n, seed, format, reliabilities)
    samples = [
        Sample(
            id=question.id,
            input=[_message(message) for message in world.prompt(question)],
            target=list(question.answers),
            metadata={"prompt": question.prompt, "statements": question.meta["statements"]},
        )
        for question in world.questions()
    ]
    return Task(
        dataset=MemoryDataset(samples, name="witness"),
        solver=generate(),
        scorer=calibrated(world),
    )


def _values(scores: list[SampleScore], key: str) -> list[float]:
    return [(score.score.metadata or {})[key] for score in scores]


def _mean(key: str) -> Metric:
    # Inspect reads from the annotation that the function takes scores of samples.
    def mean(scores: list[SampleScore]) -> float:
        return fmean(_values(scores, key))

    return mean


@metric
def brier() -> Metric:
    """Mean squared error of the confidences; 1 for an unreadable reply."""
    return _mean("squared_error")


@metric
def limit() -> Metric:
    """The same of the ideal observer on the same stories."""
    return _mean("limit")


@metric
def brier_over_limit() -> Metric:
    """`brier` divided by `limit`: 1 is the best that is possible."""

    def ratio(scores: list[SampleScore]) -> float:
        best = sum(_values(scores, "limit"))
        return sum(_values(scores, "squared_error")) / best if best else float("nan")

    return ratio


@metric
def parse_rate() -> Metric:
    """Share of the replies whose answer and confidence could be read."""
    return _mean("readable")


@scorer(metrics=[accuracy(), brier(), limit(), brier_over_limit(), parse_rate()])
def calibrated(world: World) -> Scorer:
    """Correctness as the value; confidence and squared errors as metadata."""

    async def score(state: TaskState, target: Target) -> Score:
        question = Question(
            str(state.sample_id),
            state.metadata["prompt"],
            tuple(target),
            meta={"statements": state.metadata["statements"]},
        )
        verdict = world.verdict(question, state.output.completion)
        metadata: dict[str, Any] = {
            "confidence": verdict.confidence,
            "rationale": verdict.rationale,
            "squared_error": verdict.squared_error,
            "limit": verdict.limit,
            "readable": verdict.confidence is not None,
        }
        return Score(value=verdict.correct, answer=verdict.answer, metadata=metadata)

    return score


def _message(message: Message) -> ChatMessage:
    system = message["role"] == "system"
    return (ChatMessageSystem if system else ChatMessageUser)(content=message["content"])
