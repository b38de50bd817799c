"""A model that exists already."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Literal

from pydantic import Field

from saysel import hf
from saysel.errors import require
from saysel.hf import model_faults
from saysel.interfaces import Format, Model, Progress, Source
from saysel.records import ModelRef

#: Bytes that are read of a model's file at a time, and how often at most, or nearly.
PART, PARTS = 1 << 14, 64


class PretrainedModel(Model):
    """A causal LM from the hub or from a directory, with or without an adapter."""

    path: str = Field(min_length=1, description="hub id or directory")
    revision: str | None = Field(None, description="commit or tag of the hub repository")
    adapter: str | None = Field(None, description="hub id or directory of a PEFT adapter")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="type of the weights in memory"
    )
    attention: str | None = Field(
        None,
        min_length=1,
        description="eager, sdpa, flash_attention_2 …; null: what transformers thinks best",
    )
    device_map: str | None = Field(
        None,
        min_length=1,
        description="auto lays a large model on several devices; null: all on one",
    )
    quantization: Literal["8bit", "4bit"] | None = Field(
        None, description="weights in so many bits, through bitsandbytes; 4bit as in QLoRA"
    )

    def check_installed(self) -> None:
        hf.check_installed(self)
        if self.quantization:
            what = f"the model 'pretrained' with quantization={self.quantization}"
            require(what, "quantization", "bitsandbytes")

    def check_available(self) -> None:
        hf.check(self._ref())
        model_faults.check_weight_files(self._ref())

    def needs_adapter(self) -> bool:
        return self.adapter is None and (self.quantization is not None or self._is_quantized())

    def _is_quantized(self) -> bool:
        """Whether a directory holds quantized weights; of a hub id it is known once it loads."""
        try:
            config = json.loads((Path(self.path) / "config.json").read_bytes())
        except (OSError, ValueError):
            return False
        return isinstance(config, dict) and config.get("quantization_config") is not None

    def served_name(self) -> str:
        return self.path

    def digest(self) -> str:
        """Of the files, where model or adapter is a directory. What a hub id without a revision
        stands for can change unseen."""
        return "".join(_digest(Path(one)) for one in (self.path, self.adapter) if one)

    def prepare(
        self, source: Source, format: Format, directory: Path, seed: int, progress: Progress
    ) -> ModelRef:
        hf.check(self._ref())
        return self._ref()

    def _ref(self) -> ModelRef:
        return ModelRef(
            *(self.path, self.revision, self.adapter, self.dtype),
            *(self.attention, self.device_map, self.quantization),
        )


def _digest(folder: Path) -> str:
    """Hash of a model's files; empty where there is no such directory.

    Of large ones, parts that lie all over them: weights that were trained differ in all of them,
    and gigabytes need not be read for it.
    """
    if not folder.is_dir():
        return ""
    content = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        size = path.stat().st_size
        content.update(f"{path.name}/{size}/".encode())
        with path.open("rb") as file:
            for place in range(0, size, max(PART, size // PARTS)):
                file.seek(place)
                content.update(file.read(PART))
    return content.hexdigest()
