"""A model that exists already."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from saysel import hf
from saysel.interfaces import Format, Model, Progress, Source
from saysel.records import ModelRef


class PretrainedModel(Model):
    """A causal LM from the hub or from a directory, with or without an adapter."""

    path: str = Field(min_length=1, description="hub id or directory")
    revision: str | None = Field(None, description="commit or tag of the hub repository")
    adapter: str | None = Field(None, description="hub id or directory of a PEFT adapter")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="type of the weights in memory"
    )

    def prepare(
        self, source: Source, format: Format, directory: Path, seed: int, progress: Progress
    ) -> ModelRef:
        ref = ModelRef(self.path, self.revision, self.adapter, self.dtype)
        hf.check(ref)
        return ref
