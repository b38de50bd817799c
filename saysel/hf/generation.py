"""Sampling from a causal LM: each prompt is read once, its cache serves all of its samples."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from saysel import hf
from saysel.errors import StageError
from saysel.hf import master_weights, model_faults
from saysel.records import CUT

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Decoding:
    """How the next token is chosen.

    Attributes:
        temperature: 0 takes the most likely token.
        top_k, top_p: cut the distribution; 0 and 1 leave it whole.
        max_tokens: a reply ends here at the latest.
        mark: text whose place in the replies is noted; "" is at their beginning.
        explore: behind that text, tokens are drawn at this temperature, above 0; `None` goes on
            at the temperature before it.
    """

    temperature: float
    max_tokens: int
    top_k: int = 0
    top_p: float = 1.0
    mark: str | None = None
    explore: float | None = None


@dataclass(frozen=True)
class Reply:
    """One generated reply.

    Attributes:
        tokens: token ids, the end token included.
        logprob: of the untempered model, summed over the tokens, in nats.
        marked: tokens up to and with the text to be marked; all of them if it never came.
        cut: whether it reached `max_tokens` without an end token.
    """

    tokens: list[int]
    logprob: float
    marked: int
    cut: bool = False

    @property
    def finish_reason(self) -> str:
        """See `saysel.records.Generation`."""
        return CUT if self.cut else "stop"


def generate(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    n: int,
    decoding: Decoding,
    generator: torch.Generator,
    ends: set[int],
) -> list[list[Reply]]:
    """n replies to each of the prompts (token ids).

    One forward pass reads the prompts, padded on the left; the cache is then copied n times and
    grows a token a step. Replies that have ended leave the batch once they are half of it.
    """
    import torch

    with master_weights.autocast(model), torch.inference_mode():
        replies = _generate(model, tokenizer, prompts, n, decoding, generator, ends)
    _count(sum(len(reply.tokens) for group in replies for reply in group))
    return replies


def generated() -> int:
    """How many tokens this process has generated so far."""
    return _generated


def _count(tokens: int) -> None:
    global _generated
    _generated += tokens


_generated = 0


def _generate(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    n: int,
    decoding: Decoding,
    generator: torch.Generator,
    ends: set[int],
) -> list[list[Reply]]:
    import torch

    device = model.device
    spread = len(set(getattr(model, "hf_device_map", {}).values())) > 1
    pad = tokenizer.pad_token_id
    rows = len(prompts) * n
    tokens, mask = padded(prompts, pad, device)  # [P, L]
    longest = tokens.shape[1]
    model_faults.check_length(model, longest, decoding.max_tokens)
    mask = torch.nn.functional.pad(mask, (0, decoding.max_tokens))  # room for the replies
    positions = (mask.cumsum(-1) - 1).clamp(min=0)  # [P, L + T]
    out = model(
        input_ids=tokens,
        attention_mask=mask[:, :longest],
        position_ids=positions[:, :longest],
        use_cache=True,
        logits_to_keep=1,
    )
    cache: Any = getattr(out, "past_key_values", None)
    if not hf.can_be_copied(cache):
        raise StageError(
            f"{type(model).__name__} keeps no cache of keys and values that can be copied for "
            "several samples: sample it with vllm or at a server (openai)"
        )
    if out.logits.isnan().any():
        raise StageError(
            "the model's probabilities of the next token are NaN: its weights are damaged, too "
            "large for its dtype (try model.dtype=float32), or training diverged (try a lower "
            "learning_rate)"
        )
    if n > 1:
        cache.batch_repeat_interleave(n)
    if bool(out.logits[:, -1].isnan().any()):
        raise StageError(
            f"{type(model).__name__} computes NaN instead of probabilities: its numbers are too "
            "large for its dtype; load it as bfloat16 or float32"
        )
    logits = out.logits[:, -1].float().repeat_interleave(n, 0)  # [P * n, V]
    mask = mask.repeat_interleave(n, 0)
    positions = positions.repeat_interleave(n, 0)

    end_ids = torch.tensor(sorted(ends), device=device)
    alive = torch.arange(rows, device=device)  # which reply each row of the batch writes
    active = torch.ones(rows, dtype=torch.bool, device=device)
    written = torch.full((rows, decoding.max_tokens), pad, device=device)
    lengths = torch.zeros(rows, dtype=torch.long, device=device)
    logprobs = torch.zeros(rows, device=device)
    marks = Marks(tokenizer, decoding.mark, rows)

    for step in range(decoding.max_tokens):
        exploring = marks.passed(alive) if decoding.explore is not None else None
        chosen = _choose(logits, decoding, exploring, generator)  # [B]
        logp = logits.log_softmax(-1).gather(1, chosen[:, None])[:, 0]
        writing = alive[active]
        written[writing, step] = chosen[active]
        logprobs[writing] += logp[active]
        lengths[writing] += 1
        marks.wrote(writing, chosen[active])
        active = active & ~torch.isin(chosen, end_ids)
        left = int(active.sum())
        if left == 0 or step + 1 == decoding.max_tokens:
            break
        if left <= len(active) // 2:
            kept = torch.nonzero(active)[:, 0]
            # On the CPU, indices go for layers on any device.
            cache.batch_select_indices(kept.cpu() if spread else kept)
            alive, chosen, mask, positions = alive[kept], chosen[kept], mask[kept], positions[kept]
            active = active[kept]
        seen = longest + step + 1
        mask[:, seen - 1] = 1
        positions[:, seen - 1] = positions[:, seen - 2] + 1
        logits = (
            model(
                input_ids=chosen[:, None],
                attention_mask=mask[:, :seen],
                position_ids=positions[:, seen - 1 : seen],
                past_key_values=cache,
                use_cache=True,
            )
            .logits[:, -1]
            .float()
        )

    ids, sizes, scores = written.tolist(), lengths.tolist(), logprobs.tolist()
    replies = [
        Reply(
            ids[row][: sizes[row]],
            scores[row],
            min(marks.marked[row], sizes[row]),
            cut=ids[row][sizes[row] - 1] not in ends,
        )
        for row in range(rows)
    ]
    return [replies[start : start + n] for start in range(0, rows, n)]


def logprobs(
    model: Any, tokenizer: Any, prompts: Sequence[Sequence[int]], replies: Sequence[Sequence[int]]
) -> list[list[float]]:
    """Log-probability of each token of a given reply to each prompt (token ids), in nats.

    One forward pass over all of them, padded on the left.
    """
    import torch

    longest = max(map(len, replies))
    if not longest:
        return [[] for _ in replies]
    joined = [[*prompt, *reply] for prompt, reply in zip(prompts, replies, strict=True)]
    with master_weights.autocast(model), torch.inference_mode():
        tokens, logits = _read(model, tokenizer, joined, longest + 1)
        logits = logits[:, :-1]  # [B, longest, V]
        found = logits.float().log_softmax(-1).gather(2, tokens[:, -longest:, None])[..., 0]
    return [row[longest - len(reply) :] for row, reply in zip(found.tolist(), replies, strict=True)]


def following(model: Any, tokenizer: Any, texts: Sequence[Sequence[int]]) -> torch.Tensor:
    """Log-probabilities of the token behind each text (token ids), in nats, [B, V]."""
    import torch

    with torch.inference_mode():
        logits = _read(model, tokenizer, texts, 1)[1]
        return logits[:, -1].float().log_softmax(-1)


def _read(
    model: Any, tokenizer: Any, texts: Sequence[Sequence[int]], last: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The texts padded on the left, [B, L], and the logits of their last positions, [B, last, V].

    One forward pass over all of them.
    """
    tokens, mask = padded(texts, tokenizer.pad_token_id, model.device)
    model_faults.check_length(model, tokens.shape[1], 0)
    logits = model(
        input_ids=tokens,
        attention_mask=mask,
        position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
        use_cache=False,
        logits_to_keep=last,
    ).logits
    return tokens, logits


def padded(
    texts: Sequence[Sequence[int]], pad: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids padded on the left, and 1 where there is a token, both [B, L]."""
    import torch

    longest = max(map(len, texts))
    tokens = [[pad] * (longest - len(ids)) + list(ids) for ids in texts]
    mask = [[0] * (longest - len(ids)) + [1] * len(ids) for ids in texts]
    return torch.tensor(tokens, device=device), torch.tensor(mask, device=device)


def _choose(
    logits: torch.Tensor, decoding: Decoding, exploring: torch.Tensor | None, generator: Any
) -> torch.Tensor:
    """The next token of every row, [B]."""
    import torch

    if decoding.temperature == 0:
        chosen = logits.argmax(-1)
    else:
        scores = _likeliest(logits / decoding.temperature, decoding.top_k)
        if decoding.top_p < 1:
            ordered, order = scores.sort(descending=True)
            before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
            cut = (before >= decoding.top_p).scatter(1, order, before >= decoding.top_p)
            scores = scores.masked_fill(cut, float("-inf"))
        chosen = torch.multinomial(scores.softmax(-1), 1, generator=generator)[:, 0]
    if exploring is not None and decoding.explore is not None and bool(exploring.any()):
        scores = _likeliest(logits / decoding.explore, decoding.top_k)
        drawn = torch.multinomial(scores.softmax(-1), 1, generator=generator)[:, 0]
        chosen = torch.where(exploring, drawn, chosen)
    return chosen


def _likeliest(scores: torch.Tensor, k: int) -> torch.Tensor:
    """The k highest scores of every row, the others at minus infinity; 0 keeps all."""
    if not k:
        return scores
    least = scores.topk(min(k, scores.shape[-1])).values[:, -1:]
    return scores.masked_fill(scores < least, float("-inf"))


class Marks:
    """Watches where each reply has written the text to be marked."""

    def __init__(self, tokenizer: Any, marker: str | None, rows: int) -> None:
        self.tokenizer = tokenizer
        self.marker = marker
        self.tails = [""] * rows
        self.written = [0] * rows
        self.marked = [0 if marker == "" else sys.maxsize] * rows
        self.pieces: dict[int, str] = {}

    def passed(self, alive: torch.Tensor) -> torch.Tensor:
        """Whether each row of the batch is behind its mark, [B]."""
        import torch

        passed = [self.marked[reply] <= self.written[reply] for reply in alive.tolist()]
        return torch.tensor(passed, device=alive.device)

    def wrote(self, alive: torch.Tensor, chosen: torch.Tensor) -> None:
        """Take note of the token that each row wrote."""
        if not self.marker:
            return
        for reply, token in zip(alive.tolist(), chosen.tolist(), strict=True):
            if token not in self.pieces:
                self.pieces[token] = self.tokenizer.decode([token])
            self.written[reply] += 1
            tail = self.tails[reply] + self.pieces[token]
            # The last one counts, as in reading: the words may stand in the reflection too.
            _, found, behind = tail.rpartition(self.marker)
            if found:
                self.marked[reply] = self.written[reply]
            self.tails[reply] = behind[-len(self.marker) :]
