"""Sampling from a causal LM: each prompt is read once, its cache serves all of its samples."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Decoding:
    """How the next token is chosen.

    Attributes:
        temperature: 0 takes the most likely token.
        top_k, top_p: cut the distribution; 0 and 1 leave it whole.
        max_tokens: a reply ends here at the latest.
        explore_after: once a reply contains this text, its tokens are drawn at
            `explore_temperature`, whatever the temperature before it; "" explores from the
            first token on, `None` never.
        explore_temperature: above 0.
    """

    temperature: float
    max_tokens: int
    top_k: int = 0
    top_p: float = 1.0
    explore_after: str | None = None
    explore_temperature: float = 1.0


@dataclass(frozen=True)
class Reply:
    """One generated reply.

    Attributes:
        tokens: token ids, the end token included.
        logprob: of the untempered model, summed over the tokens, in nats.
        marked: tokens up to and with the text after which exploring starts; all of them if
            that text never came.
    """

    tokens: list[int]
    logprob: float
    marked: int


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

    with torch.inference_mode():
        return _generate(model, tokenizer, prompts, n, decoding, generator, ends)


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
    longest = max(map(len, prompts))
    pad = tokenizer.pad_token_id
    rows = len(prompts) * n
    tokens = torch.tensor([[pad] * (longest - len(ids)) + list(ids) for ids in prompts])
    tokens = tokens.to(device)  # [P, L]
    mask = torch.zeros(len(prompts), longest + decoding.max_tokens, dtype=torch.long)
    for row, ids in enumerate(prompts):
        mask[row, longest - len(ids) :] = 1
    mask = mask.to(device)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)  # [P, L + T]
    out = model(
        input_ids=tokens,
        attention_mask=mask[:, :longest],
        position_ids=positions[:, :longest],
        use_cache=True,
        logits_to_keep=1,
    )
    cache = out.past_key_values
    if n > 1:
        cache.batch_repeat_interleave(n)
    logits = out.logits[:, -1].float().repeat_interleave(n, 0)  # [P * n, V]
    mask = mask.repeat_interleave(n, 0)
    positions = positions.repeat_interleave(n, 0)

    end_ids = torch.tensor(sorted(ends), device=device)
    alive = torch.arange(rows, device=device)  # which reply each row of the batch writes
    active = torch.ones(rows, dtype=torch.bool, device=device)
    written = torch.full((rows, decoding.max_tokens), pad, device=device)
    lengths = torch.zeros(rows, dtype=torch.long, device=device)
    logprobs = torch.zeros(rows, device=device)
    explorer = Explorer(tokenizer, decoding.explore_after, rows)

    for step in range(decoding.max_tokens):
        chosen = _choose(logits, decoding, explorer.exploring(alive), generator)  # [B]
        logp = logits.log_softmax(-1).gather(1, chosen[:, None])[:, 0]
        writing = alive[active]
        written[writing, step] = chosen[active]
        logprobs[writing] += logp[active]
        lengths[writing] += 1
        explorer.wrote(alive, chosen)
        active = active & ~torch.isin(chosen, end_ids)
        left = int(active.sum())
        if left == 0 or step + 1 == decoding.max_tokens:
            break
        if left <= len(active) // 2:
            kept = torch.nonzero(active)[:, 0]
            cache.batch_select_indices(kept)
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
        Reply(ids[row][: sizes[row]], scores[row], min(explorer.marked[row], sizes[row]))
        for row in range(rows)
    ]
    return [replies[start : start + n] for start in range(0, rows, n)]


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
    if exploring is not None and bool(exploring.any()):
        scores = _likeliest(logits / decoding.explore_temperature, decoding.top_k)
        drawn = torch.multinomial(scores.softmax(-1), 1, generator=generator)[:, 0]
        chosen = torch.where(exploring, drawn, chosen)
    return chosen


def _likeliest(scores: torch.Tensor, k: int) -> torch.Tensor:
    """The k highest scores of every row, the others at minus infinity; 0 keeps all."""
    if not k:
        return scores
    least = scores.topk(min(k, scores.shape[-1])).values[:, -1:]
    return scores.masked_fill(scores < least, float("-inf"))


class Explorer:
    """Watches which replies have written the text after which they explore."""

    def __init__(self, tokenizer: Any, marker: str | None, rows: int) -> None:
        self.tokenizer = tokenizer
        self.marker = marker
        self.tails = [""] * rows
        self.written = [0] * rows
        self.marked = [0 if marker == "" else sys.maxsize] * rows
        self.pieces: dict[int, str] = {}

    def exploring(self, alive: torch.Tensor) -> torch.Tensor | None:
        """Whether each row of the batch explores, [B]; `None` if none ever will."""
        import torch

        if self.marker is None:
            return None
        exploring = [self.marked[reply] <= self.written[reply] for reply in alive.tolist()]
        return torch.tensor(exploring, device=alive.device)

    def wrote(self, alive: torch.Tensor, chosen: torch.Tensor) -> None:
        """Take note of the token that each row wrote."""
        if self.marker is None:
            return
        for reply, token in zip(alive.tolist(), chosen.tolist(), strict=True):
            if token not in self.pieces:
                self.pieces[token] = self.tokenizer.decode([token])
            self.written[reply] += 1
            tail = self.tails[reply] + self.pieces[token]
            if self.marker in tail and self.marked[reply] == sys.maxsize:
                self.marked[reply] = self.written[reply]
            self.tails[reply] = tail[-len(self.marker) :]
