"""Samples from a causal LM: each prompt is read once, and its cache serves all of its samples.

A long beginning that all prompts have in common, such as worked examples, is read once for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from saysel.display.batch_progress import report_generation
from saysel.errors import StageError
from saysel.hf import growing_cache, master_weights, model_faults
from saysel.hf.adapter_inference import short_adapters
from saysel.hf.decoding import Decoding, MarkerTracker, StopTracker, choose_tokens
from saysel.hf.logprobs import pad_left
from saysel.hf.shared_prefix import can_be_copied, read_prefix, shared_prefix
from saysel.records import CUT

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Reply:
    """One generated reply.

    Attributes:
        tokens: token ids, including the end token, or those of `Decoding.stop`.
        logprob: sum of the tokens' log-probabilities at temperature 1, in nats; `None` if the
            engine that sampled did not compute it.
        marker_end: number of tokens up to and including the last marker; all of them without one.
            The format may read another one, see `confidence_starts`.
        cut: whether it reached `max_tokens` without an end.
        temperatures: at which each token was drawn; 1 where the most likely token was taken.
        token_logprobs: log-probability of each token at its temperature, over the whole
            vocabulary, in nats.
    """

    tokens: list[int]
    logprob: float | None
    marker_end: int
    cut: bool = False
    temperatures: list[float] = field(default_factory=list)
    token_logprobs: list[float] = field(default_factory=list)

    @property
    def finish_reason(self) -> str:
        """See `saysel.records.Generation`."""
        return CUT if self.cut else "stop"


#: Tokens that this process has generated so far.
_generated_tokens = 0


def generated_tokens() -> int:
    """The number of tokens that this process has generated so far."""
    return _generated_tokens


def end_tokens(model: Any, tokenizer: Any) -> set[int]:
    """All tokens at which generation stops."""
    ids = model.generation_config.eos_token_id
    ids = ids if isinstance(ids, list) else [ids]
    return {token for token in [*ids, tokenizer.eos_token_id] if token is not None}


def generate(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    n: int,
    decoding: Decoding,
    generator: torch.Generator,
    ends: set[int],
    each_step: Callable[[list[int], list[int]], None] | None = None,
) -> list[list[Reply]]:
    """Sample n replies to each of P prompts.

    One forward pass reads the beginning that all prompts share, if it is long, and one the rest of
    each, padded on the left. The cache is then copied n times and grows by one token per step.
    Finished replies are removed from the batch once they make up half of it.

    Args:
        prompts: token ids.
        generator: draws the tokens; the same state gives the same replies.
        ends: tokens that end a reply, see `end_tokens`.
        each_step: called after each step with the numbers of the replies that it continued, of
            all P * n, and the token of each.

    Raises:
        DataError: a prompt and its reply may exceed the model's positions.
        StageError: the model computes NaN, or has no cache that can be copied.
    """
    import torch

    global _generated_tokens
    with master_weights.autocast(model), torch.inference_mode(), short_adapters(model):
        # 1. Read the prompts.
        batch = _Batch(model, tokenizer, prompts, n, decoding)
        replies = _Replies(model, tokenizer, len(prompts) * n, decoding, ends)
        unfinished, reported = len(prompts) * n, 0.0
        for step in range(decoding.max_tokens):
            # 2. Choose the next token of every row and append it to the row's reply.
            tokens, temperatures = choose_tokens(  # [B]
                batch.logits, decoding, replies.markers, batch.rows, generator
            )
            if each_step is not None:
                each_step(batch.rows[batch.active].tolist(), tokens[batch.active].tolist())
            replies.append(step, batch, tokens, temperatures)
            # 3. Drop finished replies, and stop after the last one.
            generated, unfinished = unfinished, int(batch.active.sum())
            left = unfinished * (1 - (step + 1) / decoding.max_tokens)
            report_generation(len(prompts) * n - left - reported, generated)
            reported = len(prompts) * n - left
            if unfinished == 0 or step + 1 == decoding.max_tokens:
                break
            if unfinished <= len(batch.active) // 2:
                tokens = batch.drop_finished(tokens)
            # 4. Compute the logits of the tokens to follow.
            batch.read(tokens)
        finished = replies.finish()
    _generated_tokens += sum(len(reply.tokens) for reply in finished)
    return [finished[start : start + n] for start in range(0, len(finished), n)]


class _Batch:
    """The rows of the current batch, with the cache of everything read so far.

    Attributes:
        logits: of the next token of each row, [B, V].
        rows: which reply each row writes, [B].
        active: whether that reply is unfinished, [B].
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        prompts: Sequence[Sequence[int]],
        n: int,
        decoding: Decoding,
    ) -> None:
        """Read P prompts and repeat each n times."""
        import torch

        longest = max(map(len, prompts))
        model_faults.check_length(model, longest, decoding.max_tokens)
        prefix = shared_prefix(model, prompts, longest + decoding.max_tokens)
        cache = read_prefix(model, prefix, len(prompts)) if prefix else None
        prefix = prefix if cache is not None else []
        rests = [prompt[len(prefix) :] for prompt in prompts]
        ids, mask = pad_left(rests, tokenizer.pad_token_id, model.device)  # [P, L - prefix]
        mask = torch.nn.functional.pad(mask, (len(prefix), 0), value=1)  # [P, L]
        mask = torch.nn.functional.pad(mask, (0, decoding.max_tokens))  # space for the replies
        positions = (mask.cumsum(-1) - 1).clamp(min=0)  # [P, L + T]
        out = model(
            input_ids=ids,
            attention_mask=mask[:, :longest],
            position_ids=positions[:, len(prefix) : longest],
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        self.cache = _copyable_cache(model, out)
        if n > 1:
            self.cache.batch_repeat_interleave(n)
        growing_cache.reserve(self.cache, decoding.max_tokens)
        self.model = model
        self.length = longest  # tokens of the longest prompt and reply so far
        self.logits: Tensor = out.logits[:, -1].float().repeat_interleave(n, 0)  # [P * n, V]
        self.mask = mask.repeat_interleave(n, 0)
        self.positions = positions.repeat_interleave(n, 0)
        self.rows = torch.arange(len(self.logits), device=model.device)
        self.active = torch.ones(len(self.logits), dtype=torch.bool, device=model.device)

    def drop_finished(self, tokens: Tensor) -> Tensor:
        """Keep the unfinished rows only; returns their tokens."""
        import torch

        kept = torch.nonzero(self.active)[:, 0]
        several_devices = len(set(getattr(self.model, "hf_device_map", {}).values())) > 1
        # Indices on the CPU work for layers on any device.
        self.cache.batch_select_indices(kept.cpu() if several_devices else kept)
        growing_cache.reserve(self.cache, self.mask.shape[1] - self.length)
        self.rows, self.mask, self.positions = (
            self.rows[kept],
            self.mask[kept],
            self.positions[kept],
        )
        self.active = self.active[kept]
        return tokens[kept]

    def read(self, tokens: Tensor) -> None:
        """Append one token to each row and compute the logits of the next, [B]."""
        self.length += 1
        end = self.length
        self.mask[:, end - 1] = 1
        self.positions[:, end - 1] = self.positions[:, end - 2] + 1
        out = self.model(
            input_ids=tokens[:, None],
            attention_mask=self.mask[:, :end],
            position_ids=self.positions[:, end - 1 : end],
            past_key_values=self.cache,
            use_cache=True,
        )
        self.logits = out.logits[:, -1].float()


class _Replies:
    """The R replies written so far."""

    def __init__(
        self, model: Any, tokenizer: Any, count: int, decoding: Decoding, ends: set[int]
    ) -> None:
        import torch

        device, pad = model.device, tokenizer.pad_token_id
        self.ends = ends
        self.end_ids = torch.tensor(sorted(ends), device=device)
        self.tokens = torch.full((count, decoding.max_tokens), pad, device=device)  # [R, T]
        self.lengths = torch.zeros(count, dtype=torch.long, device=device)
        self.logprobs = torch.zeros(count, device=device)
        self.temperatures = torch.zeros(count, decoding.max_tokens, device=device)
        self.token_logprobs = torch.zeros(count, decoding.max_tokens, device=device)
        self.markers = MarkerTracker(tokenizer, decoding.marker, count)
        self.stops = StopTracker(tokenizer, decoding.stop, count) if decoding.stop else None

    def append(self, step: int, batch: _Batch, tokens: Tensor, temperatures: Tensor) -> None:
        """Append the tokens of the active rows, [B], and deactivate rows that end."""
        import torch

        logprobs = batch.logits.log_softmax(-1).gather(1, tokens[:, None])[:, 0]
        drawn = logprobs
        if bool((temperatures != 1).any()):
            scores = (batch.logits / temperatures[:, None]).log_softmax(-1)
            drawn = scores.gather(1, tokens[:, None])[:, 0]
        active = torch.nonzero(batch.active)[:, 0]  # a mask would make a GPU wait at each use
        rows = batch.rows[active]
        self.tokens[rows, step] = tokens[active]
        self.logprobs[rows] += logprobs[active]
        self.temperatures[rows, step] = temperatures[active]
        self.token_logprobs[rows, step] = drawn[active]
        self.lengths[rows] += 1
        self.markers.append(rows, tokens[active])
        ended = torch.isin(tokens, self.end_ids)
        if self.stops is not None:
            ended[active] |= self.stops.append(rows, tokens[active])
        batch.active = batch.active & ~ended

    def finish(self) -> list[Reply]:
        """All replies, in order."""
        lengths, logprobs, tokens = (
            tensor.tolist() for tensor in (self.lengths, self.logprobs, self.tokens)
        )
        temperatures, token_logprobs = self.temperatures.tolist(), self.token_logprobs.tolist()
        stopped = self.stops.stopped if self.stops is not None else [False] * len(lengths)
        return [
            Reply(
                tokens[row][:length],
                logprobs[row],
                min(self.markers.marker_end[row], length),
                cut=tokens[row][length - 1] not in self.ends and not stopped[row],
                temperatures=temperatures[row][:length],
                token_logprobs=token_logprobs[row][:length],
            )
            for row, length in enumerate(lengths)
        ]


def _copyable_cache(model: Any, out: Any) -> Any:
    """The cache of a model's output.

    Raises:
        StageError: it cannot be copied, or the model computes NaN.
    """
    cache = getattr(out, "past_key_values", None)
    if not can_be_copied(cache):
        raise StageError(
            f"{type(model).__name__} keeps no cache of keys and values that can be copied for "
            "several samples: sample it with vllm or through a server (openai)"
        )
    if out.logits.isnan().any():
        raise StageError(
            "the model's probabilities of the next token are NaN: its weights are damaged, too "
            "large for its dtype (try model.dtype=float32), or training diverged (try a lower "
            "learning_rate)"
        )
    return cache
