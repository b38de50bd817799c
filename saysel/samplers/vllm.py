"""Samples in this process with vLLM."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import Field

from saysel import hf
from saysel.errors import require
from saysel.hf.vllm_engine import EngineOptions, adapter_request, complete, resident_engine
from saysel.interfaces import NotFingerprinted, Prompt, Sampler
from saysel.records import Generation, ModelRef


class VLLMSampler(Sampler):
    """Sample in this process with vLLM (extra `vllm`).

    All samples of a prompt are one request, so the prompt is read once, and prompts share the
    cache of a common beginning. An adapter is applied next to the base model and never merged, so
    that all adapters of one model share an engine. vLLM chooses its attention implementation
    itself. The seed of a prompt depends on its text, so its samples do not depend on the other
    prompts.
    """

    max_tokens: int = Field(256, ge=1, description="maximum tokens of a reply")
    top_k: int = Field(0, ge=0, description="sample from the k most likely tokens; 0: from all")
    top_p: float = Field(
        1.0, gt=0, le=1, description="sample from the most likely tokens up to this probability"
    )
    tensor_parallel: NotFingerprinted[int] = Field(
        1, ge=1, description="number of devices that share the model"
    )
    memory: NotFingerprinted[float] = Field(
        0.5, gt=0, le=1, description="share of the accelerator's memory; training needs the rest"
    )
    max_length: int | None = Field(
        None, ge=1, description="maximum tokens of prompt and reply; null: the model's maximum"
    )
    max_lora_rank: int = Field(64, ge=1, description="maximum rank of adapters")
    batch_size: NotFingerprinted[int] = Field(
        512, ge=1, description="prompts passed to vLLM at a time"
    )

    def check_installed(self) -> None:
        require(f"the sampler '{self.use or 'vllm'}'", "vllm", "vllm")

    def reply_limit(self) -> int:
        return self.max_tokens

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        engine = self._engine(model)
        tokenizer = hf.load_tokenizer(model)
        ids = hf.encode(tokenizer, prompts)
        stop = hf.end_of_turn(tokenizer, prompts)
        for start in range(0, len(ids), self.batch_size):
            batch = ids[start : start + self.batch_size]
            options = [
                self._sampling_options(n, _prompt_seed(seed, prompt), stop) for prompt in batch
            ]
            outputs = self._generate(engine, model, batch, options)
            for prompt, output in zip(batch, outputs, strict=True):
                samples = sorted(output.outputs, key=lambda sample: sample.index)
                texts = hf.decode_replies(
                    tokenizer,
                    [prompt] * len(samples),
                    [sample.token_ids for sample in samples],
                    stop,
                )
                yield [
                    Generation(
                        text,
                        len(sample.token_ids),
                        float(sample.cumulative_logprob),
                        sample.finish_reason,
                    )
                    for text, sample in zip(texts, samples, strict=True)
                ]

    def _sampling_options(self, n: int, seed: int, stop: str | None) -> Any:
        from vllm import SamplingParams

        return SamplingParams(
            n=n,
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            max_tokens=self.max_tokens,
            seed=seed,
            logprobs=0,  # of the sampled tokens only
            stop=stop,
            detokenize=stop is not None,  # vLLM searches the text for it
        )

    def gives_logprobs(self) -> bool:
        return True

    def logprobs(
        self, model: ModelRef, prompts: Sequence[Prompt], completions: Sequence[str]
    ) -> list[list[float]]:
        engine, tokenizer = self._engine(model), hf.load_tokenizer(model)
        from vllm import SamplingParams

        prompt_ids = hf.encode(tokenizer, prompts, completions)
        reply_ids = hf.encode_replies(tokenizer, completions)
        # vLLM has to generate at least one token; only the log-probabilities before it are used.
        options = SamplingParams(max_tokens=1, temperature=0, prompt_logprobs=0)
        texts = [[*prompt, *reply] for prompt, reply in zip(prompt_ids, reply_ids, strict=True)]
        # One at a time with an adapter: scoring several prompts, vLLM confuses prompts and tokens
        # when it looks up their adapters.
        size = 1 if model.adapter else max(1, len(texts))
        outputs = [
            output
            for start in range(0, len(texts), size)
            for output in self._generate(
                engine, model, texts[start : start + size], [options] * size
            )
        ]
        return [
            [
                float(output.prompt_logprobs[len(prompt) + position][token].logprob)
                for position, token in enumerate(reply)
            ]
            for output, prompt, reply in zip(outputs, prompt_ids, reply_ids, strict=True)
        ]

    def _engine(self, model: ModelRef) -> Any:
        self.check_installed()
        return resident_engine(
            model,
            EngineOptions(
                tensor_parallel=self.tensor_parallel,
                memory_share=self.memory,
                max_length=self.max_length,
                max_lora_rank=self.max_lora_rank if model.adapter else None,
            ),
        )

    def _generate(
        self, engine: Any, model: ModelRef, prompts: Sequence[list[int]], options: Sequence[Any]
    ) -> list[Any]:
        adapter = adapter_request(model.adapter) if model.adapter else None
        return complete(engine, model, prompts, list(options)[: len(prompts)], adapter)


def _prompt_seed(seed: int, prompt: Sequence[int]) -> int:
    digest = hashlib.sha256(f"{seed}/{list(prompt)}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
