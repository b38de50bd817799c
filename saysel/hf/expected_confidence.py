"""The confidence that a model would state after a given beginning of its reply."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.hf.chat import encode, encode_replies
from saysel.hf.confidence_tokens import ConfidenceTokens
from saysel.hf.generation import end_tokens
from saysel.hf.loading import resident
from saysel.hf.logprobs import next_token_logprobs
from saysel.interfaces import Format, Prompt
from saysel.records import ModelRef

#: Replies in one forward pass.
REPLIES_PER_PASS = 64


def read_confidence(
    model: ModelRef, format: Format, prompts: Sequence[Prompt], replies: Sequence[str]
) -> list[float]:
    """The expected confidence after each reply, in [0, 1].

    The sum over all confidences of their value times their probability, given that one of them
    is stated, at temperature 1. Nothing is sampled, so small differences show.

    Args:
        model: loaded in this process.
        format: defines the confidences.
        prompts: the chats that the replies answer.
        replies: each up to and including the confidence marker.

    Raises:
        StageError: the tokenizer merges the marker with the confidence that follows it.
    """
    import torch

    lm, tokenizer = resident(model)
    tree = ConfidenceTokens(format, tokenizer, end_tokens(lm, tokenizer))
    values = torch.tensor(tree.values, dtype=torch.float64)
    texts = [
        prompt + reply
        for prompt, reply in zip(
            encode(tokenizer, prompts, replies), encode_replies(tokenizer, replies), strict=True
        )
    ]
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    expected = [0.0] * len(texts)
    for start in range(0, len(order), REPLIES_PER_PASS):
        rows = order[start : start + REPLIES_PER_PASS]
        branch_logprobs = [
            next_token_logprobs(lm, tokenizer, [[*texts[row], *branch] for row in rows])
            for branch in tree.branches
        ]
        probabilities = tree.logprobs(branch_logprobs).double().softmax(-1).cpu()  # [B, C]
        for row, mean in zip(rows, (probabilities @ values).tolist(), strict=True):
            expected[row] = min(1.0, max(0.0, mean))
    return expected
