"""The confidences that a format can state, as the tokens with which a model writes them.

They give the probability of every confidence the model could have stated, and therefore exact
expectations over confidences, without sampling.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from saysel.errors import StageError
from saysel.hf.chat import encode_replies
from saysel.interfaces import Format

if TYPE_CHECKING:
    from torch import Tensor

#: Stands for every token that ends a reply.
END = -1


class ConfidenceTokens:
    """The tree of all token sequences that state a confidence.

    If every confidence is a single token, the tree is only its root. Where "10" takes two tokens,
    there is a branch after the first of them, and similarly for percentages. Tokens that must
    follow, because no other confidence begins the same way ("%" after "73"), are assumed to
    follow and left out.

    Attributes:
        values: the C confidences, in [0, 1].
        branches: the token sequences after the marker at which several confidences are still
            possible. The first is the beginning shared by all of them, usually `()`.
    """

    def __init__(self, format: Format, tokenizer: Any, ends: Collection[int]) -> None:
        """Build the tree of a format's confidences.

        Args:
            ends: all tokens at which the model stops, see `saysel.hf.end_tokens`.

        Raises:
            StageError: the tokenizer merges the marker with the confidence that follows it.
        """
        marker = format.confidence_marker
        texts = [marker, *(marker + text for text in format.confidences)]
        marker_ids, *encoded = encode_replies(tokenizer, texts)
        if any(ids[: len(marker_ids)] != marker_ids for ids in encoded):
            raise StageError(
                f"this tokenizer merges '{marker}' with the confidence after it, so no token "
                "position separates them: choose another format"
            )
        # The end tells "1" from the beginning of "10"; elsewhere it is the only continuation.
        sequences = [(*ids[len(marker_ids) :], END) for ids in encoded]
        continuations: dict[tuple[int, ...], set[int]] = defaultdict(set)
        for sequence in sequences:
            for size, token in enumerate(sequence):
                continuations[sequence[:size]].add(token)
        self.values = list(format.confidences.values())
        self.branches = sorted(start for start, tokens in continuations.items() if len(tokens) > 1)
        self._ends = sorted(ends)
        self._continuations = [sorted(continuations[start]) for start in self.branches]
        # For each confidence, the decisions that lead to it: (branch, which continuation).
        self._decisions = [
            [
                (branch, self._continuations[branch].index(token))
                for size, token in enumerate(sequence)
                if sequence[:size] in self.branches
                for branch in [self.branches.index(sequence[:size])]
            ]
            for sequence in sequences
        ]

    @property
    def longest_branch(self) -> int:
        """The tokens of the longest branch."""
        return max(map(len, self.branches))

    def logprobs(self, branch_logprobs: Sequence[Tensor]) -> Tensor:
        """Log-probability of every confidence, [B, C], in nats.

        Args:
            branch_logprobs: for each branch, the log-probabilities of the token after it, [B, V].
        """
        return self.combine(
            [self.continuations(branch, all) for branch, all in enumerate(branch_logprobs)]
        )

    def continuations(self, branch: int, logprobs: Tensor) -> Tensor:
        """Log-probabilities of the K continuations of a branch, [B, K], of all tokens' [B, V]."""
        import torch

        return torch.stack(
            [
                # Any end token counts as the end.
                logprobs[:, self._ends].logsumexp(-1) if token == END else logprobs[:, token]
                for token in self._continuations[branch]
            ],
            -1,
        )

    def combine(self, continuations: Sequence[Tensor]) -> Tensor:
        """What `logprobs` returns, from the continuations of each branch, [B, K]."""
        import torch

        return torch.stack(
            [
                torch.stack([continuations[branch][:, which] for branch, which in decisions]).sum(0)
                for decisions in self._decisions
            ],
            -1,
        )
