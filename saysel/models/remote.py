"""A model at a server."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from saysel.interfaces import Format, Model, Progress, Source
from saysel.records import ModelRef


class RemoteModel(Model):
    """A model at a server, which the samplers `openai` and `anthropic` ask by its name.

    It can be sampled and judged, not trained.
    """

    remote = True

    name: str = Field(min_length=1, description="the server's name for the model")
    revision: str | None = Field(
        None, description="its version, where the name does not say; tells stored answers apart"
    )

    def prepare(
        self, source: Source, format: Format, directory: Path, seed: int, progress: Progress
    ) -> ModelRef:
        return ModelRef(self.name, self.revision)

    def served_name(self) -> str:
        return self.name
