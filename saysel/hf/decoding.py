"""How the next token of a reply is chosen, and where in a reply the marker ends."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Decoding:
    """How replies are decoded.

    Attributes:
        temperature: 0 always takes the most likely token.
        max_tokens: maximum length of a reply.
        top_k: sample from the k most likely tokens; 0 means all.
        top_p: sample from the most likely tokens up to this probability; 1 means all.
        marker: text whose position in the replies is recorded; "" stands for their beginning.
        temperature_after_marker: temperature, above 0, of the tokens after the marker; `None`
            keeps `temperature`. `top_p` does not apply to these tokens.
        stop: text that ends a reply which has more than white space before it; `None`: none.
    """

    temperature: float
    max_tokens: int
    top_k: int = 0
    top_p: float = 1.0
    marker: str | None = None
    temperature_after_marker: float | None = None
    stop: str | None = None


def choose_tokens(
    logits: Tensor,
    decoding: Decoding,
    markers: MarkerTracker,
    rows: Tensor,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """The next token of every row, and the temperature at which it was drawn, [B].

    The temperature of the most likely token, which is not drawn, counts as 1.

    Args:
        logits: [B, V].
        markers: knows which replies have written the marker.
        rows: which reply each row of the batch belongs to, [B].
        generator: draws the tokens.
    """
    import torch

    temperatures = torch.full(rows.shape, float(decoding.temperature or 1), device=rows.device)
    if decoding.temperature == 0:
        tokens = logits.argmax(-1)
    else:
        scores = _keep_top_k(logits / decoding.temperature, decoding.top_k)
        scores = _keep_top_p(scores, decoding.top_p)
        tokens = torch.multinomial(scores.softmax(-1), 1, generator=generator)[:, 0]
    if decoding.temperature_after_marker is None:
        return tokens, temperatures
    past_marker = markers.is_past_marker(rows)
    if bool(past_marker.any()):
        scores = _keep_top_k(logits / decoding.temperature_after_marker, decoding.top_k)
        sampled = torch.multinomial(scores.softmax(-1), 1, generator=generator)[:, 0]
        tokens = torch.where(past_marker, sampled, tokens)
        temperatures = temperatures.masked_fill(past_marker, decoding.temperature_after_marker)
    return tokens, temperatures


def _keep_top_k(scores: Tensor, k: int) -> Tensor:
    """Set all but the k highest scores of every row to minus infinity; 0 keeps all."""
    if not k:
        return scores
    lowest = scores.topk(min(k, scores.shape[-1])).values[:, -1:]
    return scores.masked_fill(scores < lowest, float("-inf"))


def _keep_top_p(scores: Tensor, p: float) -> Tensor:
    """Keep the most likely tokens of every row until their probability reaches p; 1 keeps all."""
    if p >= 1:
        return scores
    ordered, order = scores.sort(descending=True)
    before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
    removed = (before >= p).scatter(1, order, before >= p)
    return scores.masked_fill(removed, float("-inf"))


class TokenTexts:
    """The text that each token adds to a reply.

    SentencePiece tokenizers drop the space with which a text begins, so that a token decoded alone
    may lack its own; each token is decoded after another one.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._before = tokenizer("a", add_special_tokens=False)["input_ids"][-1:]
        self._skipped = len(tokenizer.decode(self._before))
        self._texts: dict[int, str] = {}

    def __getitem__(self, token: int) -> str:
        if token not in self._texts:
            decoded: str = self._tokenizer.decode([*self._before, token])
            self._texts[token] = decoded[self._skipped :]
        return self._texts[token]


class StopTracker:
    """Finds the replies that have written the text at which they end."""

    def __init__(self, tokenizer: Any, stop: str, replies: int) -> None:
        self.stop = stop
        self.stopped = [False] * replies
        self._begun = [False] * replies
        self._tails = [""] * replies
        self._texts = TokenTexts(tokenizer)

    def append(self, rows: Tensor, tokens: Tensor) -> Tensor:
        """Record one more token of some replies; whether each of them has ended, [B]."""
        import torch

        pairs = zip(rows.tolist(), tokens.tolist(), strict=True)
        ends = [self._ends(*pair) for pair in pairs]
        return torch.tensor(ends, dtype=torch.bool, device=rows.device)

    def _ends(self, reply: int, token: int) -> bool:
        text = self._tails[reply] + self._texts[token]
        if not self._begun[reply]:
            text = text.lstrip()
            self._begun[reply] = bool(text)
        self.stopped[reply] = self.stop in text
        self._tails[reply] = text[-len(self.stop) :]
        return self.stopped[reply]


def up_to_space(marker: str) -> str:
    """A marker without the white space at its end, which may be part of the token after it."""
    return marker.rstrip() or marker


class MarkerTracker:
    """Records where each reply has written the marker.

    Attributes:
        marker: see `up_to_space`.
        marker_end: for each reply, the number of tokens up to and including its last marker;
            `sys.maxsize` while there is none.
    """

    def __init__(self, tokenizer: Any, marker: str | None, replies: int) -> None:
        self.marker = up_to_space(marker) if marker else marker
        self.marker_end = [0 if marker == "" else sys.maxsize] * replies
        self._lengths = [0] * replies
        self._tails = [""] * replies
        self._texts = TokenTexts(tokenizer)

    def is_past_marker(self, rows: Tensor) -> Tensor:
        """Whether the reply in each row of the batch has written the marker, [B].

        Args:
            rows: which reply each row of the batch belongs to, [B].
        """
        import torch

        past = [self.marker_end[reply] <= self._lengths[reply] for reply in rows.tolist()]
        return torch.tensor(past, device=rows.device)

    def append(self, rows: Tensor, tokens: Tensor) -> None:
        """Record one more token of some replies, see `is_past_marker`."""
        if not self.marker:
            return
        for reply, token in zip(rows.tolist(), tokens.tolist(), strict=True):
            self._lengths[reply] += 1
            text = self._tails[reply] + self._texts[token]
            # The last marker counts: the rationale may contain the same words. For the one that is
            # parsed, see `confidence_starts`.
            _, marker, rest = text.rpartition(self.marker)
            if marker:
                self.marker_end[reply] = self._lengths[reply]
            self._tails[reply] = rest[-len(self.marker) :]
