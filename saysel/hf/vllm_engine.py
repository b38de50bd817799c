"""Engines of vLLM in this process."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from saysel.errors import DataError, StageError
from saysel.hf import memory
from saysel.hf.model_files import check_model_files
from saysel.records import ModelRef

#: Maximum number of characters of a message of vLLM's.
MAX_REASON_CHARACTERS = 200
#: The maximum ranks of adapters that vLLM accepts.
LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)


class EngineOptions(NamedTuple):
    """What an engine is started with.

    Attributes:
        tensor_parallel: number of devices that share the model.
        memory_share: share of the accelerator's memory, in (0, 1].
        max_length: maximum tokens of prompt and reply; `None`: the model's maximum.
        max_lora_rank: maximum rank of adapters; `None`: no adapters.
        for_training: log-probabilities are those of the distribution that tokens were drawn
            from, instead of those at temperature 1, and the engine can sleep.
    """

    tensor_parallel: int
    memory_share: float
    max_length: int | None
    max_lora_rank: int | None
    for_training: bool = False


_ENGINES: dict[tuple[str, str | None, str, bool, EngineOptions], Any] = {}


def resident_engine(model: ModelRef, options: EngineOptions) -> Any:
    """The engine of a base model; the one requested last stays in memory.

    Raises:
        DataError: vLLM cannot load the model.
    """
    _check_supported(model)
    key = (model.path, model.revision, model.dtype, model.quantization is not None, options)
    if key not in _ENGINES:
        # Shut down the old one first: engines in one process share state that ends with either.
        release_engine()
        _ENGINES[key] = _start(model, options)
    return _ENGINES[key]


def release_engine() -> None:
    """Shut down the engine that `resident_engine` keeps, and free its memory."""
    if _ENGINES:
        _ENGINES.clear()
        memory.release()


def complete(
    engine: Any,
    model: ModelRef,
    prompts: Sequence[list[int]],
    sampling: Sequence[Any],
    adapter: Any = None,
) -> list[Any]:
    """vLLM's outputs for prompts (token ids), with the sampling parameters of each.

    Args:
        adapter: see `adapter_request`.

    Raises:
        StageError: vLLM rejects a request.
    """
    if not prompts:
        return []
    try:
        outputs: list[Any] = engine.generate(
            [{"prompt_token_ids": ids} for ids in prompts],
            list(sampling),
            use_tqdm=False,
            lora_request=adapter,
        )
    except ValueError as error:  # such as a prompt that is too long
        reason = " ".join(str(error).split())[:MAX_REASON_CHARACTERS]
        raise StageError(
            f"{model.path}: vllm rejects the request: {reason}; see max_length, max_lora_rank"
        ) from error
    return outputs


def adapter_request(directory: str | Path) -> Any:
    """The request for an adapter, with a new name and number if the files changed."""
    from vllm.lora.request import LoRARequest

    weights = Path(directory) / "adapter_model.safetensors"
    changed = weights.stat().st_mtime_ns if weights.is_file() else 0
    name = f"{directory}/{changed}"
    digest = hashlib.sha256(name.encode()).digest()
    return LoRARequest(name, 1 + int.from_bytes(digest[:3], "big"), str(directory))


def _check_supported(model: ModelRef) -> None:
    check_model_files(model)
    if model.device_map is not None:
        raise DataError(
            f"{model.path}: vllm places models on devices itself: use tensor_parallel instead "
            "of device_map"
        )
    if model.gguf is not None:
        raise DataError(
            f"{model.path}: vllm does not read the GGUF file {model.gguf}: use the sampler "
            "transformers, or the model's safetensors"
        )
    if model.quantization == "8bit":
        raise DataError(
            f"{model.path}: vllm does not support 8-bit weights of bitsandbytes: use "
            "quantization: 4bit, or the sampler transformers"
        )


def _start(model: ModelRef, options: EngineOptions) -> Any:
    from vllm import LLM
    from vllm.platforms import current_platform

    more: dict[str, Any] = {}
    if current_platform.is_cpu():
        # Prompts with a seed crash the engine on a CPU if they are read in chunks, because
        # generators cannot be rewound there.
        more["enable_chunked_prefill"] = False
    if options.max_lora_rank is not None:
        more |= {"enable_lora": True, "max_lora_rank": options.max_lora_rank}
    if options.for_training:
        more |= {
            "logprobs_mode": "processed_logprobs",
            "enable_sleep_mode": current_platform.is_sleep_mode_available(),
        }
    try:
        return LLM(
            model.path,
            revision=model.revision,
            dtype=model.dtype,
            quantization="bitsandbytes" if model.quantization else None,
            tensor_parallel_size=options.tensor_parallel,
            gpu_memory_utilization=options.memory_share,
            max_model_len=options.max_length,
            enable_prefix_caching=True,
            trust_remote_code=False,
            disable_log_stats=True,
            **more,
        )
    except (OSError, ValueError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(f"{model.path}: vllm cannot load it: {reason}") from error
