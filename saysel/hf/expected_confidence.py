"""The confidence that a model would state behind a given beginning of its reply."""

from __future__ import annotations

from collections.abc import Sequence

from saysel import hf
from saysel.hf import generation
from saysel.hf.confidence_tokens import ConfidenceTokens
from saysel.interfaces import Format, Prompt
from saysel.records import ModelRef

#: Replies that are read side by side.
BATCH = 64


def read_confidence(
    model: ModelRef, format: Format, prompts: Sequence[Prompt], replies: Sequence[str]
) -> list[float]:
    """The mean of the confidence that follows each reply, in [0, 1].

    The sum over all confidences of their value times their probability, given that one of them
    is stated, at temperature 1: nothing is drawn, so that also a small move shows.

    Args:
        model: loaded in this process.
        format: knows which confidences there are.
        prompts: the chats that the replies answer.
        replies: each up to the confidence marker and with it.

    Raises:
        StageError: the tokenizer joins the marker with what follows it.
    """
    import torch

    lm, tokenizer = hf.resident(model)
    tree = ConfidenceTokens(format, tokenizer, hf.end_tokens(lm, tokenizer))
    values = torch.tensor(tree.values, dtype=torch.float64)
    asked, written = hf.encode(tokenizer, prompts), hf.encode_replies(tokenizer, replies)
    joined = [prompt + reply for prompt, reply in zip(asked, written, strict=True)]
    order = sorted(range(len(joined)), key=lambda row: len(joined[row]))
    found = [0.0] * len(joined)
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        following = [
            generation.following(lm, tokenizer, [[*joined[row], *branch] for row in rows])
            for branch in tree.branches
        ]
        chances = tree.logprobs(following).double().softmax(-1).cpu()  # [B, C]
        for row, mean in zip(rows, (chances @ values).tolist(), strict=True):
            found[row] = min(1.0, max(0.0, mean))
    return found
