"""A sampler that says what a test wants, so that answers and shares are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import log

import pytest

from saysel.clusterers.exact import ExactClusterer
from saysel.formats.sayself import SaySelfFormat
from saysel.interfaces import EstimationContext, Prompt, Sampler
from saysel.judges.match import MatchJudge
from saysel.records import Generation, ModelRef

Context = Callable[..., EstimationContext]


class Recites(Sampler):
    """Says the given replies, to every prompt the same, and notes how it was asked.

    In a second turn it says the last of them. Words are its tokens, of the given probabilities
    or one half; a word that follows the end of a prompt may have another one, under
    `last word of the prompt > word`.
    """

    says: tuple[str, ...]
    odds: dict[str, float] | None = None
    finish_reason: str | None = None

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        asked.append((self.temperature, n, seed, [prompt[-1]["content"] for prompt in prompts]))
        for prompt in prompts:
            says = self.says[-1:] if len(prompt) > 1 else self.says[:n]
            logprob = None if self.odds is None else -1.0
            yield [Generation(text, 4, logprob, self.finish_reason) for text in says]

    def gives_logprobs(self) -> bool:
        return self.odds is not None

    def logprobs(
        self, model: ModelRef, prompts: Sequence[Prompt], completions: Sequence[str]
    ) -> list[list[float]] | None:
        odds = self.odds
        if odds is None:
            return None
        asked.append((0.0, 0, 0, [prompt[-1]["content"] for prompt in prompts]))
        return [
            [
                log(odds.get(f"{prompt[-1]['content'].split()[-1]} > {word}", odds.get(word, 0.5)))
                for word in completion.split()
            ]
            for prompt, completion in zip(prompts, completions, strict=True)
        ]


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

    def context(
        *replies: str, odds: dict[str, float] | None = None, finish_reason: str | None = None
    ) -> EstimationContext:
        sampler = Recites(
            use="recites", says=replies, odds=odds, temperature=1.0, finish_reason=finish_reason
        )
        format = SaySelfFormat(instruction="")
        return EstimationContext(
            *(sampler, format, ExactClusterer(), MatchJudge()),
            temperature=0.3,
            seed=7,
            questions=lambda split: [],
        )

    return context
