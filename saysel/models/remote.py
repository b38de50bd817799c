"""A model on a server."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from saysel.interfaces import Format, Model, Progress, Source
from saysel.records import ModelRef


class RemoteModel(Model):
    """A model on a server, for the samplers `openai` and `anthropic`.

    It can be sampled and evaluated, but not trained.
    """

    remote = True

    name: str = Field(min_length=1, description="name of the model on the server")
    revision: str | None = Field(
        None,
        description="version of the model if its name does not say; keeps stored answers apart",
    )

    def prepare(
        self, source: Source, format: Format, directory: Path, seed: int, progress: Progress
    ) -> ModelRef:
        return ModelRef(self.name, self.revision)

    def served_name(self) -> str:
        return self.name
