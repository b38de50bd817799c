"""GGUF files, loaded as ordinary models: transformers turns their weights back into full ones."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from saysel.errors import require
from saysel.records import ModelRef

#: Ending of the names of GGUF files.
SUFFIX = ".gguf"
#: Their first bytes.
MAGIC = b"GGUF"


def require_gguf(ref: ModelRef) -> None:
    """Check that the package that reads GGUF files is installed, if the model is one.

    Raises:
        MissingExtra: it is not.
    """
    if ref.gguf is not None:
        require(f"the GGUF file '{ref.gguf}'", "gguf", "gguf")


def at_gguf(ref: ModelRef) -> ModelRef:
    """The same model, with a path that ends in the name of a GGUF file split into the two."""
    if ref.gguf is not None or not ref.path.lower().endswith(SUFFIX):
        return ref
    folder, _, name = ref.path.replace("\\", "/").rpartition("/")
    return replace(ref, path=folder or ("/" if ref.path.startswith("/") else "."), gguf=name)


def dequantization(ref: ModelRef) -> Any:
    """The configuration that makes transformers unpack the weights; `None` if it always does."""
    import transformers
    from transformers import modeling_gguf_pytorch_utils as reader

    if hasattr(reader, "tqdm"):  # this progress bar ignores the setting of transformers
        reader.tqdm = partial(reader.tqdm, disable=True)
    config = getattr(transformers, "GgufConfig", None)
    return None if config is None else config(gguf_file=ref.gguf, dequantize=True)


def unmark_quantized(model: Any) -> None:
    """Let a model that was unpacked from a GGUF file be trained and saved like any other.

    Its weights are full ones, but it still says that they are quantized.
    """
    if getattr(model, "hf_quantizer", None) is not None:
        model.hf_quantizer.remove_quantization_config(model)
