"""Train a tiny language model to memorize its replies to a few prompts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from saysel import hf
from saysel.interfaces import Prompt
from saysel.records import ModelRef

#: Prompts per training step.
BATCH = 8


def memorize(
    model: ModelRef,
    lessons: Sequence[tuple[Prompt, str]],
    directory: Path,
    steps: int = 150,
    max_loss: float = 0.1,
) -> ModelRef:
    """Train a model until it reproduces each reply, and save it to a directory.

    Args:
        max_loss: highest loss allowed at the end, in nats per token.

    Raises:
        AssertionError: the loss is still higher after all steps.
    """
    torch.manual_seed(0)
    lm, tokenizer = hf.load_trainable(model), hf.load_tokenizer(model)
    prompts = hf.encode(tokenizer, [prompt for prompt, _ in lessons])
    replies = [
        tokenizer(reply + tokenizer.eos_token, add_special_tokens=False)["input_ids"]
        for _, reply in lessons
    ]
    length = max(len(p) + len(r) for p, r in zip(prompts, replies, strict=True))
    ids = torch.full((len(lessons), length), tokenizer.pad_token_id)
    labels = torch.full_like(ids, -100)
    for row, (prompt, reply) in enumerate(zip(prompts, replies, strict=True)):
        ids[row, : len(prompt) + len(reply)] = torch.tensor(prompt + reply)
        labels[row, len(prompt) : len(prompt) + len(reply)] = torch.tensor(reply)
    optimizer = torch.optim.AdamW(lm.parameters(), lr=1e-2, weight_decay=0.0)
    for _ in range(steps):
        rows = torch.randperm(len(lessons))[:BATCH]
        following = labels[rows, 1:]
        # The loss needs no logits for prompt tokens, which are most of each row.
        places = (following != -100).any(0).nonzero()[:, 0]
        logits = lm(input_ids=ids[rows], use_cache=False, logits_to_keep=places).logits
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), following[:, places].flatten()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss < 0.01:
            break
    assert loss < max_loss, f"not memorized: loss {loss}"
    hf.save(lm.eval(), tokenizer, directory)
    return ModelRef(str(directory))
