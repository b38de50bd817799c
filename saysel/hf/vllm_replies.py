"""Replies of a policy in training, sampled by vLLM in this process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saysel.errors import StageError
from saysel.hf.decoding import Decoding, MarkerTracker, up_to_space
from saysel.hf.generation import Reply
from saysel.hf.loading import load_tokenizer
from saysel.hf.saving import save
from saysel.hf.vllm_engine import (
    LORA_RANKS,
    EngineOptions,
    adapter_request,
    complete,
    resident_engine,
)
from saysel.records import ModelRef

if TYPE_CHECKING:
    import torch


class VLLMReplies:
    """Samples replies from a policy whose weights change.

    Before every batch the engine receives the adapter, or all weights if there is none, through
    files. On an accelerator the engine sleeps between batches: its weights wait in the memory of
    the machine, and its cache is freed.
    """

    def __init__(
        self,
        ref: ModelRef,
        directory: Path,
        memory_share: float,
        max_length: int | None,
    ) -> None:
        """
        Args:
            ref: the model that training starts from.
            directory: for the weights on their way to the engine.
            memory_share: share of the accelerator's memory while replies are sampled.
            max_length: maximum tokens of prompt and reply; `None`: the model's maximum.
        """
        self.ref = ref
        self.tokenizer = load_tokenizer(ref)
        self.directory = directory
        self.memory_share = memory_share
        self.max_length = max_length

    def generate(
        self,
        policy: Any,
        prompts: Sequence[list[int]],
        n: int,
        decoding: Decoding,
        generator: torch.Generator,
        ends: set[int],
    ) -> list[list[Reply]]:
        """Sample n replies to each prompt (token ids), see `saysel.hf.generate`.

        Raises:
            DataError: vLLM cannot load the model.
            StageError: vLLM rejects the weights or a request.
        """
        drafts = [_Draft(list(prompt)) for prompt in prompts for _ in range(n)]
        with self._awake_engine(policy) as (engine, adapter):
            unfinished = drafts
            for temperature, stop in _phases(decoding):
                sampling = _sampling(unfinished, decoding, temperature, stop, generator, ends)
                texts = [draft.prompt + draft.tokens for draft in unfinished]
                outputs = complete(engine, self.ref, texts, sampling, adapter)
                for draft, output in zip(unfinished, outputs, strict=True):
                    draft.extend(output.outputs[0], temperature)
                unfinished = [
                    draft
                    for draft in unfinished
                    if stop and draft.paused_at == stop and len(draft.tokens) < decoding.max_tokens
                ]
        replies = _replies(drafts, self.tokenizer, decoding.marker, ends)
        return [replies[start : start + n] for start in range(0, len(replies), n)]

    @contextmanager
    def _awake_engine(self, policy: Any) -> Iterator[tuple[Any, Any]]:
        """The engine with the weights of the policy, and the request for its adapter."""
        from peft import PeftModel
        from vllm.platforms import current_platform

        rank = None
        if isinstance(policy, PeftModel):
            needed = policy.peft_config["default"].r
            rank = next((rank for rank in LORA_RANKS if rank >= needed), needed)
        engine = resident_engine(
            self.ref,
            EngineOptions(1, self.memory_share, self.max_length, rank, for_training=True),
        )
        can_sleep = current_platform.is_sleep_mode_available()
        if can_sleep:
            engine.wake_up()
        try:
            yield engine, self._hand_over(engine, policy, adapter=rank is not None)
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)
            if can_sleep:
                engine.sleep(level=1)

    def _hand_over(self, engine: Any, policy: Any, adapter: bool) -> Any:
        """Give the engine the policy's weights; returns the request for its adapter, if any."""
        from vllm.platforms import current_platform

        if adapter:
            save(policy, self.tokenizer, self.directory, selected_adapters=["default"])
            return adapter_request(self.directory)
        if current_platform.is_cpu() and policy.config.get_text_config().tie_word_embeddings:
            raise StageError(
                f"{self.ref.path}: vllm on a CPU keeps the old output layer of a model whose input "
                "and output embeddings are the same: train an adapter (lora), or leave out vllm"
            )
        dtypes = {
            name: getattr(weight, "model_dtype", weight.dtype)
            for name, weight in policy.named_parameters()
        }
        weights = {
            name: weight.to(dtypes.get(name, weight.dtype))
            for name, weight in policy.state_dict().items()
        }
        save(policy, self.tokenizer, self.directory, state_dict=weights)
        try:
            engine.collective_rpc("reload_weights", kwargs={"weights_path": str(self.directory)})
        except TypeError as error:
            raise StageError(
                "this version of vllm cannot receive new weights: install a newer one, or train "
                "an adapter (lora)"
            ) from error
        engine.reset_prefix_cache()
        return None


@dataclass
class _Draft:
    """A reply so far.

    Attributes:
        paused_at: the text at which it paused, if it did.
    """

    prompt: list[int]
    tokens: list[int] = field(default_factory=list)
    temperatures: list[float] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    paused_at: Any = None

    def extend(self, output: Any, temperature: float) -> None:
        """Append a completion of vLLM's that was drawn at a temperature."""
        self.tokens += output.token_ids
        self.temperatures += [temperature or 1.0] * len(output.token_ids)
        self.logprobs += [
            float(choices[token].logprob)
            for token, choices in zip(output.token_ids, output.logprobs, strict=True)
        ]
        self.paused_at = output.stop_reason


def _phases(decoding: Decoding) -> list[tuple[float, str | None]]:
    """The temperatures of a reply in turn, each with the text at which it pauses."""
    after = decoding.temperature_after_marker
    if after is None:
        return [(decoding.temperature, None)]
    if not decoding.marker:
        return [(after, None)]
    return [(decoding.temperature, up_to_space(decoding.marker)), (after, None)]


def _sampling(
    drafts: Sequence[_Draft],
    decoding: Decoding,
    temperature: float,
    stop: str | None,
    generator: torch.Generator,
    ends: set[int],
) -> list[Any]:
    """vLLM's sampling parameters for the rest of each draft, up to the text `stop`."""
    import torch
    from vllm import SamplingParams

    seeds = torch.randint(2**31, (len(drafts),), generator=generator, device=generator.device)
    return [
        SamplingParams(
            temperature=temperature,
            top_k=decoding.top_k,
            max_tokens=decoding.max_tokens - len(draft.tokens),
            seed=seed,
            stop=[stop] if stop else None,
            include_stop_str_in_output=True,
            stop_token_ids=sorted(ends),
            logprobs=0,  # of the sampled tokens only
            detokenize=stop is not None,
            skip_special_tokens=False,
        )
        for draft, seed in zip(drafts, seeds.tolist(), strict=True)
    ]


def _replies(
    drafts: Sequence[_Draft], tokenizer: Any, marker: str | None, ends: set[int]
) -> list[Reply]:
    import torch

    markers = MarkerTracker(tokenizer, marker, len(drafts))
    for row, draft in enumerate(drafts):
        markers.append(torch.full((len(draft.tokens),), row), torch.tensor(draft.tokens))
    return [
        Reply(
            tokens=draft.tokens,
            logprob=None,
            marker_end=min(marker_end, len(draft.tokens)),
            cut=draft.tokens[-1] not in ends,
            temperatures=draft.temperatures,
            token_logprobs=draft.logprobs,
        )
        for draft, marker_end in zip(drafts, markers.marker_end, strict=True)
    ]
