"""The confidences a format can state, as the tokens that a model would write for them.

With these, what the model would have said instead is known and need not be drawn: the probability
of every confidence, and so the expectation of anything that hangs on it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from saysel import hf
from saysel.errors import StageError
from saysel.interfaces import Format

if TYPE_CHECKING:
    from torch import Tensor

#: Stands for every token that ends a reply.
END = -1


class ConfidenceTokens:
    """The tree of all token sequences that state a confidence.

    Where every confidence is one token, the tree is its root. Where "10" takes two, there is a
    branch behind the first of them, and so on for percent. What must follow, because no other
    confidence begins that way ("%" behind "73"), is taken to follow and left out.

    Attributes:
        values: the C confidences, in [0, 1].
        branches: what may be written behind the marker while the confidence is still open; the
            first is what all of them begin with, `()` where a confidence is one token.

    Raises:
        StageError: the tokenizer joins the marker with what follows it.
    """

    def __init__(self, format: Format, tokenizer: Any, ends: Collection[int]) -> None:
        """The tree of a format's confidences.

        Args:
            ends: every token at which the model stops, see `saysel.hf.end_tokens`.
        """
        marker = format.confidence_marker
        texts = [marker, *(marker + text for text in format.confidences)]
        first, *written = hf.encode_replies(tokenizer, texts)
        if any(ids[: len(first)] != first for ids in written):
            raise StageError(
                f"this tokenizer joins '{marker}' with the confidence behind it, so that there is "
                "no place where the confidence begins: choose another format"
            )
        # The end tells "1" from the beginning of "10"; elsewhere it is the only thing to follow.
        tails = [(*ids[len(first) :], END) for ids in written]
        following: dict[tuple[int, ...], set[int]] = defaultdict(set)
        for tail in tails:
            for size, token in enumerate(tail):
                following[tail[:size]].add(token)
        self.values = list(format.confidences.values())
        self.branches = sorted(start for start, tokens in following.items() if len(tokens) > 1)
        self._ends = sorted(ends)
        self._steps = [
            [
                (self.branches.index(tail[:size]), token)
                for size, token in enumerate(tail)
                if tail[:size] in self.branches
            ]
            for tail in tails
        ]

    def logprobs(self, following: Sequence[Tensor]) -> Tensor:
        """Log-probability of every confidence, [B, C].

        Args:
            following: for each branch, the log-probabilities of the token behind it, [B, V].
        """
        import torch

        def taken(branch: int, token: int) -> Tensor:
            """Log-probability of one step, [B]; any token that ends the reply is the end."""
            if token == END:
                return following[branch][:, self._ends].logsumexp(-1)
            return following[branch][:, token]

        return torch.stack(
            [torch.stack([taken(*step) for step in steps]).sum(0) for steps in self._steps], -1
        )
