"""Loads models, adapters and tokenizers with transformers and PEFT.

What depends on the unstable parts of these libraries stays in this package, so that supporting
another version is a change in one place.
"""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from saysel.errors import DataError, require
from saysel.hf import (
    gguf,
    master_weights,
    memory,
    model_faults,
    model_files,
    sharding,
    single_token_attention,
)
from saysel.records import ModelRef
from saysel.storage import read_json

#: What loading a model needs, of the extra `train`.
LIBRARIES = ("torch", "transformers", "datasets")
#: The model and tokenizer that `resident` returned last.
_RESIDENT: dict[ModelRef, tuple[Any, Any]] = {}


def silence_libraries() -> None:
    """Turn off the libraries' progress bars and advice: saysel reports progress itself.

    Raises:
        MissingExtra: the libraries are not installed.
    """
    require("running models on this machine", "train", *LIBRARIES)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # tqdm asks for ipywidgets when it is imported in a notebook.
    warnings.filterwarnings("ignore", "IProgress not found")
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    # PEFT still reads the deprecated attribute.
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)


def device() -> str:
    """The accelerator if there is one, else the CPU."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def model_at(path: str) -> ModelRef:
    """The model in a directory or on the hub; for an adapter, the base it names plus the adapter.

    Args:
        path: a directory or hub id; for a GGUF file followed by its name.

    Raises:
        DataError: an adapter's configuration names no base.
    """
    folder = Path(path)
    if (folder / "config.json").is_file() or not (folder / "adapter_config.json").is_file():
        return gguf.at_gguf(ModelRef(path))
    content = read_json(folder / "adapter_config.json")
    base = content.get("base_model_name_or_path") if isinstance(content, dict) else None
    if not isinstance(base, str) or not base:
        raise DataError(f"{path}: adapter_config.json names no base (base_model_name_or_path)")
    return ModelRef(base, adapter=path)


@contextmanager
def _loading(ref: ModelRef) -> Iterator[None]:
    """Turn whatever the libraries raise about a model into an error of one line.

    Raises:
        DataError: files are missing or broken, the hub is unreachable or has no such model, or
            the model does not fit into memory.
    """
    silence_libraries()
    gguf.require_gguf(ref)
    model_files.check_model_files(ref)
    try:
        yield
    # On broken files the libraries fail in many ways; nothing else runs in here.
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        if memory.ran_out(error):
            raise DataError(
                f"{ref.path}: does not fit into memory: choose a smaller model or dtype, "
                "quantization, or device_map: auto"
            ) from error
        raise DataError(
            f"{ref.adapter or ref.path}: cannot be loaded: {error_summary(error)}"
        ) from error


def error_summary(error: Exception) -> str:
    """What a library reports about a model that it cannot load, in one line."""
    text = str(error).strip() or type(error).__name__
    if "trust_remote_code" in text:
        return (
            "it needs Python code that comes with it, and saysel runs none: "
            "choose a model that transformers loads by itself"
        )
    if "couldn't connect to" in text:
        return (
            "it is neither a directory nor in the hub's cache, and the hub cannot be reached: "
            "check the path and the connection"
        )
    return text.splitlines()[0]


def _origin(ref: ModelRef) -> dict[str, Any]:
    """Where the libraries find a model, and that they must not run its code."""
    return {
        "pretrained_model_name_or_path": ref.path,
        "revision": ref.revision,
        "trust_remote_code": False,
        **({"gguf_file": ref.gguf} if ref.gguf else {}),
    }


def load_tokenizer(ref: ModelRef) -> Any:
    """The model's tokenizer, with padding on the left as generation requires.

    Raises:
        DataError: it cannot be loaded.
    """
    with _loading(ref):
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(**_origin(ref), padding_side="left")
    model_faults.check_tokenizer(ref, tokenizer)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(ref: ModelRef) -> Any:
    """The model with its adapter, on the accelerator, in evaluation mode.

    Raises:
        DataError: it cannot be loaded.
    """
    return _load(ref, trainable=False).eval()


def load_trainable(ref: ModelRef, new_adapter: Any = None) -> Any:
    """The model in training mode, with its trainable weights held in float32.

    The trainable weights are those of its adapter, of a new adapter, or else all of them.

    Args:
        new_adapter: PEFT configuration of an adapter to add to a model that has none. It is
            initialised from torch's global generator.

    Raises:
        DataError: the model cannot be loaded, or training would change quantized weights.
    """
    from saysel.hf.vllm_engine import release_engine

    release()  # frees the memory of the model used for inference before
    release_engine()
    tokenizer = load_tokenizer(ref)
    if ref.adapter is None and new_adapter is None and _is_quantized(ref):
        raise DataError(
            f"{ref.path}: is quantized, and quantized weights cannot be trained: train an adapter "
            "(lora), or load the model without quantization"
        )
    model = _load(ref, trainable=True)
    model_faults.check_vocabulary(ref, model, tokenizer)
    if new_adapter is not None:
        from peft import get_peft_model

        with warnings.catch_warnings():
            # PEFT corrects this setting by itself, for layers such as those of GPT-2.
            warnings.filterwarnings("ignore", "fan_in_fan_out is set to False")
            model = get_peft_model(model, new_adapter)
    master_weights.to_float32(model)
    sharding.shard(model)
    return model.train()


def _is_quantized(ref: ModelRef) -> bool:
    """Whether the weights are quantized, either on loading or already in the checkpoint."""
    if ref.quantization is not None:
        return True
    if ref.gguf is not None:  # its weights are unpacked
        return False
    with _loading(ref):
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(**_origin(ref))
    return getattr(config, "quantization_config", None) is not None


def _load(ref: ModelRef, trainable: bool) -> Any:
    with _loading(ref):
        from transformers import AutoModelForCausalLM

        model, report = AutoModelForCausalLM.from_pretrained(
            **_origin(ref),
            dtype=ref.dtype,
            attn_implementation=ref.attention,
            device_map=ref.device_map or (device() if ref.quantization else None),
            quantization_config=_quantization(ref),
            output_loading_info=True,
        )
        if ref.gguf is not None:
            gguf.unmark_quantized(model)
        if ref.adapter is not None:
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, ref.adapter, is_trainable=trainable)
        if not (ref.device_map or ref.quantization):  # these are on their devices already
            model.to(device())
        if ref.attention is None:
            single_token_attention.use_in(model)
    model_faults.check_complete(ref, model, report["missing_keys"])
    model_faults.check_weights(ref, model)
    if (head := model.get_output_embeddings()) is not None:
        head.register_forward_pre_hook(_contiguous)
    return model


def _contiguous(_: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The inputs of the output layer without gaps.

    Only the last position of each row is often wanted. Torch multiplies such a slice row by row,
    each with a copy of the layer's weights if these are frozen: 9 GB for 160 rows, a width of 576
    and 49,000 tokens in bfloat16 (`should_fold` of its matmul).
    """
    return tuple(tensor.contiguous() for tensor in inputs)


def _quantization(ref: ModelRef) -> Any:
    """The configuration of bitsandbytes; 4 bits are NF4 with double quantization (2305.14314)."""
    if ref.gguf is not None:
        return gguf.dequantization(ref)
    if ref.quantization is None:
        return None
    import torch
    from transformers import BitsAndBytesConfig

    if ref.quantization == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16 if ref.dtype == "auto" else ref.dtype,
    )


def resident(ref: ModelRef) -> tuple[Any, Any]:
    """Model and tokenizer for inference; those requested last stay in memory.

    Raises:
        DataError: they cannot be loaded, or do not belong together.
    """
    if ref not in _RESIDENT:
        release()  # first, because there may not be enough memory for two models
        tokenizer = load_tokenizer(ref)  # before the model, which takes longer
        model = load_model(ref)
        model_faults.check_vocabulary(ref, model, tokenizer)
        _RESIDENT[ref] = model, tokenizer
    return _RESIDENT[ref]


def release() -> None:
    """Free the model that `resident` keeps."""
    _RESIDENT.clear()
    memory.release()
