"""A plugin whose samplers ask their own server, each with another fault in its accounting.

Tests install it as a package, or register the module as a plugin. The option `log` lets tests
count the prompts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import Field

import saysel
from saysel.costs import ledger
from saysel.costs.usage import Usage
from saysel.interfaces import Prompt, Sampler
from saysel.records import Generation, ModelRef


class UnmeteredSampler(Sampler):
    """Does not record what it spends."""

    remote = True
    log: str | None = Field(None, description="file that gets a line for each prompt")

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        for _ in prompts:
            if self.log is not None:
                with Path(self.log).open("a") as file:
                    file.write("called\n")
            yield [Generation("Verdict: right. I am sure. Score: 7", 9)] * n


class UnlimitedSampler(UnmeteredSampler):
    """Is metered, but does not say how long a reply can be."""

    metered = True


class UnrecordedSampler(UnmeteredSampler):
    """Claims to be metered, but records nothing."""

    metered = True

    def reply_limit(self) -> int:
        return 16


class RecordingSampler(UnrecordedSampler):
    """Records every request, but sends also those that exceed `max_cost`."""

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        connection = ledger.current().connect()
        for samples in super().sample(model, prompts, n, seed):
            connection.record(model.path, Usage(1, n), 0.5)
            yield samples
        connection.close()


class WrappingSampler(Sampler):
    """Asks through another sampler."""

    inner: Sampler = Field(description="asks the model")

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        return self.inner.sample(model, prompts, n, seed)

    def served_model(self) -> str | None:
        return self.inner.served_model()


@saysel.hookimpl
def saysel_samplers() -> dict[str, str]:
    return {
        "unmetered": f"{__name__}:UnmeteredSampler",
        "unlimited": f"{__name__}:UnlimitedSampler",
        "unrecorded": f"{__name__}:UnrecordedSampler",
        "recording": f"{__name__}:RecordingSampler",
        "wrapping": f"{__name__}:WrappingSampler",
    }
