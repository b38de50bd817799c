"""A sampler that says what a test wants, so that answers and shares are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from saysel.clusterers.exact import ExactClusterer
from saysel.formats.sayself import SaySelfFormat
from saysel.interfaces import EstimationContext, Prompt, Sampler
from saysel.records import Generation, ModelRef

Context = Callable[..., EstimationContext]


class Recites(Sampler):
    """Says the given replies, to every prompt the same, and notes how it was asked."""

    says: tuple[str, ...]

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        asked.append((self.temperature, n, seed, [prompt[-1]["content"] for prompt in prompts]))
        for _ in prompts:
            yield [Generation(text, tokens=4, logprob=-1.0) for text in self.says[:n]]


#: Temperature, n, seed and prompts of every call.
asked: list[tuple[float, int, int, list[str]]] = []


@pytest.fixture
def calls() -> list[tuple[float, int, int, list[str]]]:
    """How the sampler was asked in this test."""
    asked.clear()
    return asked


@pytest.fixture
def context() -> Context:
    """What an estimator may use when the model says the given replies."""

    def context(*replies: str) -> EstimationContext:
        sampler = Recites(says=replies, temperature=1.0)
        format = SaySelfFormat(instruction="")
        return EstimationContext(sampler, format, ExactClusterer(), temperature=0.3, seed=7)

    return context
