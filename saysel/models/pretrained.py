"""An existing model, from the hub or a directory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from saysel import hf
from saysel.errors import require
from saysel.interfaces import ContentHashed, Format, Model, Progress, Source
from saysel.records import ModelRef

#: A large file's digest covers about this many samples of this many bytes each.
SAMPLES, SAMPLE_BYTES = 64, 1 << 14


class PretrainedModel(Model):
    """A causal LM from the hub or from a directory, with or without an adapter.

    A GGUF file is named by `gguf`, or at the end of `path`. Its weights are unpacked on loading,
    and what is trained is saved as ordinary safetensors.
    """

    path: str = Field(min_length=1, description="hub id or directory")
    gguf: ContentHashed[str | None] = Field(
        None, min_length=1, description="name of a GGUF file in the directory or repository"
    )
    revision: str | None = Field(None, description="commit or tag of the hub repository")
    adapter: str | None = Field(None, description="hub id or directory of a PEFT adapter")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="type of the weights in memory; auto: as they are stored"
    )
    attention: str | None = Field(
        None,
        min_length=1,
        description="eager, sdpa, flash_attention_2 …; null: the default of transformers, and a "
        "faster one for half precision on CPUs",
    )
    device_map: str | None = Field(
        None,
        min_length=1,
        description="auto spreads a large model over several devices; null: one device",
    )
    quantization: Literal["8bit", "4bit"] | None = Field(
        None, description="quantize the weights with bitsandbytes; 4bit as in QLoRA"
    )

    @model_validator(mode="after")
    def _one_quantization(self) -> Self:
        if self._ref().gguf and self.quantization:
            raise ValueError(
                "quantization does not apply to a GGUF file, whose weights are unpacked: use "
                "dtype=bfloat16, or the model's safetensors"
            )
        return self

    def check_installed(self) -> None:
        hf.check_installed(self)
        hf.require_gguf(self._ref())
        if self.quantization:
            what = f"the model 'pretrained' with quantization={self.quantization}"
            require(what, "quantization", "bitsandbytes")

    def check_available(self) -> None:
        hf.check_model_files(self._ref())

    def needs_adapter(self) -> bool:
        return self.adapter is None and (self.quantization is not None or self._is_quantized())

    def _is_quantized(self) -> bool:
        """Whether a directory has quantized weights; for a hub id, loading the model finds out."""
        return (self.config() or {}).get("quantization_config") is not None

    def config(self) -> Mapping[str, Any] | None:
        """The configuration in a directory, or of a hub id in the cache of the hub."""
        path = Path(self.path)
        if not path.exists():
            path = hf.cached_snapshot(self.path, self.revision) or path
        try:
            config = json.loads((path / "config.json").read_bytes())
        except (OSError, ValueError):
            return None
        return config if isinstance(config, dict) else None

    def served_name(self) -> str:
        return self.path

    def digest(self) -> str:
        """Hash of the files, if model or adapter is a directory.

        Changes on the hub are not noticed unless the recipe names a revision.
        """
        ref = self._ref()
        model = (
            f"{ref.gguf}/{_digest(Path(ref.path, ref.gguf))}"
            if ref.gguf
            else _digest(Path(ref.path))
        )
        return model + (_digest(Path(ref.adapter)) if ref.adapter else "")

    def prepare(
        self, source: Source, format: Format, directory: Path, seed: int, progress: Progress
    ) -> ModelRef:
        hf.check_model_files(self._ref())
        return self._ref()

    def _ref(self) -> ModelRef:
        return hf.at_gguf(
            ModelRef(
                path=self.path,
                revision=self.revision,
                adapter=self.adapter,
                dtype=self.dtype,
                attention=self.attention,
                device_map=self.device_map,
                quantization=self.quantization,
                gguf=self.gguf,
            )
        )


def _digest(model: Path) -> str:
    """Hash of a model's file, or of the files in its directory; empty if there is none.

    Large files are sampled at regular intervals: training changes weights everywhere, and reading
    gigabytes would take long.
    """
    if not model.exists():
        return ""
    content = hashlib.sha256()
    files = model.iterdir() if model.is_dir() else (model,)
    for path in sorted(path for path in files if path.is_file()):
        size = path.stat().st_size
        content.update(f"{path.name}/{size}/".encode())
        with path.open("rb") as file:
            for offset in range(0, size, max(SAMPLE_BYTES, size // SAMPLES)):
                file.seek(offset)
                content.update(file.read(SAMPLE_BYTES))
    return content.hexdigest()
