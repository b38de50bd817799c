"""A sampler that returns scripted replies, for tests that would otherwise pay for a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import Field, PrivateAttr

from saysel.interfaces import Prompt, Sampler
from saysel.records import Generation, ModelRef


class ScriptedSampler(Sampler):
    """The i-th call of `sample` returns the i-th list of replies; later calls repeat the last."""

    rounds: tuple[tuple[str, ...], ...] = Field(description="replies to the prompts of each call")
    model: str = Field("scripted", description="name of the model")

    _asked: list[tuple[ModelRef, list[Prompt], int]] = PrivateAttr(default_factory=list)

    @property
    def asked(self) -> list[tuple[ModelRef, list[Prompt], int]]:
        """Model, prompts and seed of each call so far."""
        return self._asked

    def served_model(self) -> str:
        return self.model

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        texts = self.rounds[min(len(self._asked), len(self.rounds) - 1)]
        self._asked.append((model, list(prompts), seed))
        assert len(texts) == len(prompts) and n == 1
        return iter([[Generation(text, len(text.split()))] for text in texts])


def scripted_sampler(*rounds: Sequence[str], **options: Any) -> ScriptedSampler:
    """A sampler with one list of replies per call."""
    return ScriptedSampler(use="scripted", rounds=tuple(map(tuple, rounds)), **options)
