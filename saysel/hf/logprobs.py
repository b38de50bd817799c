"""Log-probabilities of given texts under a causal LM."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from saysel.hf import master_weights, model_faults
from saysel.hf.hidden_states import in_chunks, logits, states_of
from saysel.hf.shared_prefix import read_prefix, shared_prefix

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def reply_logprobs(
    model: Any, tokenizer: Any, prompts: Sequence[Sequence[int]], replies: Sequence[Sequence[int]]
) -> list[list[float]]:
    """Log-probability of each token of a given reply to each prompt, in nats.

    One forward pass reads the beginning that all prompts share, if it is long, and one the rest of
    all texts. A text with which another begins is not read again. Logits are computed a chunk of
    positions at a time.

    Args:
        prompts, replies: token ids.
    """
    import torch

    # The last token of a reply is predicted, not read.
    asked = [row for row, reply in enumerate(replies) if reply]
    read = {row: (*prompts[row], *replies[row][:-1]) for row in asked}
    if not read:
        return [[] for _ in replies]
    containing = _containing(read.values())
    texts = {text: index for index, text in enumerate(dict.fromkeys(containing.values()))}
    indices: list[int] = []
    columns: list[int] = []  # counted from the end
    tokens: list[int] = []
    for row, text in read.items():
        whole = containing[text]
        indices += [texts[whole]] * len(replies[row])
        columns += range(len(prompts[row]) - 1 - len(whole), len(text) - len(whole))
        tokens += replies[row]
    with master_weights.autocast(model), torch.inference_mode():
        inputs = shared_inputs(model, tokenizer, list(texts), [prompts[row] for row in asked])
        states, _ = states_of(model, **inputs)  # [B, K, H]
        logprobs = _token_logprobs(
            model,
            states[torch.tensor(indices), torch.tensor(columns)],
            torch.tensor(tokens, device=states.device),
        )
    values = iter(logprobs)
    return [[next(values) for _ in reply] for reply in replies]


def next_token_logprobs(model: Any, tokenizer: Any, texts: Sequence[Sequence[int]]) -> Tensor:
    """Log-probabilities of the token that follows each text (token ids), in nats, [B, V]."""
    import torch

    with torch.inference_mode():
        states, _ = states_of(model, **shared_inputs(model, tokenizer, texts, texts))
        return logits(model, states[:, -1]).log_softmax(-1)


def _containing(texts: Iterable[tuple[int, ...]]) -> dict[tuple[int, ...], tuple[int, ...]]:
    """For each text (token ids), the longest of the texts that begins with it."""
    containing = {}
    longest: tuple[int, ...] = ()
    # In this order, the text before another begins with it if any does.
    for text in sorted(set(texts), reverse=True):
        if longest[: len(text)] != text:
            longest = text
        containing[text] = longest
    return containing


def shared_inputs(
    model: Any,
    tokenizer: Any,
    texts: Sequence[Sequence[int]],
    prompts: Sequence[Sequence[int]],
) -> dict[str, Any]:
    """What to call a model with to read texts padded on the left, at their last K positions.

    Args:
        texts: token ids.
        prompts: beginnings of the texts. Nothing is needed before the last token of each, so what
            they share is read once, here, and K is the number of positions after it.

    Returns:
        Arguments by name. Token ids and position ids are [B, K], the mask is [B, L].
    """
    import torch

    longest = max(map(len, texts))
    model_faults.check_length(model, longest, 0)
    prefix = shared_prefix(model, prompts, longest)
    cache = read_prefix(model, prefix, len(texts)) if prefix else None
    start = len(prefix) if cache is not None else 0
    ids, mask = pad_left([text[start:] for text in texts], tokenizer.pad_token_id, model.device)
    mask = torch.nn.functional.pad(mask, (start, 0), value=1)
    return {
        "input_ids": ids,
        "attention_mask": mask,
        "position_ids": (mask.cumsum(-1) - 1).clamp(min=0)[:, start:],
        "past_key_values": cache,
        "use_cache": cache is not None,
    }


def _token_logprobs(model: Any, states: Tensor, tokens: Tensor) -> list[float]:
    """Log-probability of one token after each hidden state, [N, H] and [N]."""

    def compute(states: Tensor, tokens: Tensor) -> tuple[Tensor]:
        scores = logits(model, states).log_softmax(-1)  # [n, V]
        return (scores.gather(1, tokens[:, None])[:, 0],)

    vocabulary = model.get_output_embeddings().weight.shape[0]
    (found,) = in_chunks(compute, vocabulary, states, tokens)
    values: list[float] = found.tolist()
    return values


def pad_left(
    texts: Sequence[Sequence[int]], pad: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Token ids padded on the left, and a mask that is 1 at their tokens, both [B, L]."""
    import torch

    longest = max(map(len, texts))
    tokens = [[pad] * (longest - len(ids)) + list(ids) for ids in texts]
    mask = [[0] * (longest - len(ids)) + [1] * len(ids) for ids in texts]
    return torch.tensor(tokens, device=device), torch.tensor(mask, device=device)
