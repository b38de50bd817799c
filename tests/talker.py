"""A tiny language model that has learned what to reply to a few prompts, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from saysel import hf
from saysel.interfaces import Prompt
from saysel.records import ModelRef

#: Lessons a step.
BATCH = 8


def taught(
    model: ModelRef,
    lessons: Sequence[tuple[Prompt, str]],
    directory: Path,
    steps: int = 150,
    most: float = 0.1,
) -> ModelRef:
    """The model after learning each reply by heart, or nearly so.

    Args:
        most: nats a token that may be left at the end.

    Raises:
        AssertionError: the steps were not enough.
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
        # Most of a lesson is its prompt, whose logits nobody needs.
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
    assert loss < most, f"not learned: {loss}"
    hf.save(lm.eval(), tokenizer, directory)
    return ModelRef(str(directory))
