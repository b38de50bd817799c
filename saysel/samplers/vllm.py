"""Sampling in this process with vLLM."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from saysel import hf
from saysel.errors import DataError, StageError, require
from saysel.hf import memory
from saysel.interfaces import NotFingerprinted, Prompt, Sampler
from saysel.records import Generation, ModelRef


class VLLMSampler(Sampler):
    """Sample in this process with vLLM (extra `vllm`).

    All samples of a prompt are one request, whose prompt is read once; prompts that begin alike
    share what was read. An adapter is applied beside the base model and never merged, so that
    all adapters of one model share an engine. vLLM chooses its attention itself. The seed of a
    prompt hangs on its text, so that its samples do not hang on the other prompts.
    """

    max_tokens: int = Field(256, ge=1, description="a reply ends here at the latest")
    top_k: int = Field(0, ge=0, description="keep the k likeliest tokens; 0 keeps all")
    top_p: float = Field(1.0, gt=0, le=1, description="keep the likeliest tokens up to this mass")
    tensor_parallel: NotFingerprinted[int] = Field(
        1, ge=1, description="devices that share the model"
    )
    memory: NotFingerprinted[float] = Field(
        0.5, gt=0, le=1, description="share of the accelerator's memory; training needs the rest"
    )
    max_length: int | None = Field(
        None, ge=1, description="most tokens of prompt and reply; null: as many as the model takes"
    )
    max_lora_rank: int = Field(64, ge=1, description="largest rank of adapters to come")
    batch_size: NotFingerprinted[int] = Field(
        512, ge=1, description="prompts handed over at a time"
    )

    def check_installed(self) -> None:
        require(f"the sampler '{self.use or 'vllm'}'", "vllm", "vllm")

    def reply_limit(self) -> int:
        return self.max_tokens

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        engine = self._engine(model)
        from vllm import SamplingParams

        tokenizer = hf.load_tokenizer(model)
        ids = hf.encode(tokenizer, prompts)
        for start in range(0, len(ids), self.batch_size):
            part = ids[start : start + self.batch_size]
            options = [
                SamplingParams(
                    n=n,
                    temperature=self.temperature,
                    top_k=self.top_k,
                    top_p=self.top_p,
                    max_tokens=self.max_tokens,
                    seed=_seed(seed, prompt),
                    logprobs=0,  # those of the tokens drawn, and no others
                    detokenize=False,
                )
                for prompt in part
            ]
            answers = self._ask(engine, model, part, options)
            for prompt, found in zip(part, answers, strict=True):
                samples = sorted(found.outputs, key=lambda one: one.index)
                texts = hf.decode_replies(
                    tokenizer, [prompt] * len(samples), [one.token_ids for one in samples]
                )
                yield [
                    Generation(
                        text,
                        len(one.token_ids),
                        float(one.cumulative_logprob),
                        one.finish_reason,
                    )
                    for text, one in zip(texts, samples, strict=True)
                ]

    def gives_logprobs(self) -> bool:
        return True

    def logprobs(
        self, model: ModelRef, prompts: Sequence[Prompt], completions: Sequence[str]
    ) -> list[list[float]]:
        engine, tokenizer = self._engine(model), hf.load_tokenizer(model)
        from vllm import SamplingParams

        asked = hf.encode(tokenizer, prompts)
        replies = hf.encode_replies(tokenizer, completions)
        # One token more has to be generated; what counts is what was read before it.
        options = SamplingParams(max_tokens=1, temperature=0, prompt_logprobs=0)
        joined = [[*prompt, *reply] for prompt, reply in zip(asked, replies, strict=True)]
        # With an adapter one at a time: vLLM takes the adapters of several prompts for those of
        # their tokens when it scores what it reads.
        size = 1 if model.adapter else max(1, len(joined))
        scored = [
            found
            for start in range(0, len(joined), size)
            for found in self._ask(engine, model, joined[start : start + size], [options] * size)
        ]
        return [
            [
                float(found.prompt_logprobs[len(prompt) + place][token].logprob)
                for place, token in enumerate(reply)
            ]
            for found, prompt, reply in zip(scored, asked, replies, strict=True)
        ]

    def _engine(self, model: ModelRef) -> Any:
        self.check_installed()
        hf.check(model)
        if model.device_map is not None:
            raise DataError(
                f"{model.path}: vllm lays models on devices itself: use tensor_parallel instead of "
                "device_map"
            )
        if model.quantization == "8bit":
            raise DataError(
                f"{model.path}: vllm has no 8-bit weights of bitsandbytes: choose quantization: "
                "4bit, or the sampler transformers"
            )
        return _resident(
            *(model.path, model.revision, model.dtype, model.quantization),
            *(self.tensor_parallel, self.memory, self.max_length),
            self.max_lora_rank if model.adapter else None,
        )

    def _ask(
        self, engine: Any, model: ModelRef, prompts: Sequence[list[int]], options: Sequence[Any]
    ) -> list[Any]:
        if not prompts:
            return []
        adapter = _adapter(model.adapter) if model.adapter else None
        try:
            found: list[Any] = engine.generate(
                [{"prompt_token_ids": ids} for ids in prompts],
                list(options)[: len(prompts)],
                use_tqdm=False,
                lora_request=adapter,
            )
        except ValueError as error:  # a prompt that is too long, an adapter of too high a rank
            reason = " ".join(str(error).split())[:200]
            raise StageError(
                f"{model.path}: vllm refuses the request: {reason}; see max_length, max_lora_rank"
            ) from error
        return found


_ENGINES: dict[tuple[Any, ...], Any] = {}


def _resident(*chosen: Any) -> Any:
    """The engine of a base model; the last one asked for stays in memory."""
    if chosen not in _ENGINES:
        # The old one has to be gone before: two in one process share what ends with either.
        _ENGINES.clear()
        memory.release()
        _ENGINES[chosen] = _start(*chosen)
    return _ENGINES[chosen]


def _start(
    path: str,
    revision: str | None,
    dtype: str,
    quantization: str | None,
    tensor_parallel: int,
    share: float,
    max_length: int | None,
    max_lora_rank: int | None,
) -> Any:
    """An engine, with room for adapters up to a rank or without."""
    from vllm import LLM
    from vllm.platforms import current_platform

    # A prompt that is read in parts ends the engine where it has a seed of its own: on a CPU the
    # generators cannot be set back.
    whole = {"enable_chunked_prefill": False} if current_platform.is_cpu() else {}
    try:
        return LLM(
            path,
            revision=revision,
            dtype=dtype,
            quantization="bitsandbytes" if quantization else None,
            tensor_parallel_size=tensor_parallel,
            gpu_memory_utilization=share,
            max_model_len=max_length,
            enable_prefix_caching=True,
            trust_remote_code=False,
            enable_lora=max_lora_rank is not None,
            **({} if max_lora_rank is None else {"max_lora_rank": max_lora_rank}),
            **whole,
            disable_log_stats=True,
        )
    except (OSError, ValueError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(f"{path}: vllm cannot load it: {reason}") from error


def _adapter(place: str) -> Any:
    """The request that names an adapter; another number for one trained anew in its place."""
    from vllm.lora.request import LoRARequest

    written = Path(place) / "adapter_model.safetensors"
    changed = written.stat().st_mtime_ns if written.is_file() else 0
    digest = hashlib.sha256(f"{place}/{changed}".encode()).digest()
    return LoRARequest(place, 1 + int.from_bytes(digest[:3], "big"), place)


def _seed(seed: int, prompt: Sequence[int]) -> int:
    digest = hashlib.sha256(f"{seed}/{list(prompt)}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
