"""Hidden states of one layer, for probes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from saysel.errors import StageError
from saysel.hf import master_weights, memory
from saysel.hf.chat import encode, encode_replies
from saysel.hf.loading import resident
from saysel.hf.logprobs import shared_inputs
from saysel.interfaces import Prompt
from saysel.records import ModelRef

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Tokens of the texts that one forward pass reads. It returns the states of all layers.
TOKENS_PER_BATCH = 2**13


def prompt_states(
    model: ModelRef, prompts: Sequence[Prompt], layer: float
) -> npt.NDArray[np.float32]:
    """A layer's hidden states at the last token of each prompt, [N, H].

    Args:
        model: loaded in this process.
        layer: which layer, as a share of all: 1 is the last one.

    Raises:
        StageError: memory runs out on a single text.
    """
    _, tokenizer = resident(model)
    return _states(model, encode(tokenizer, prompts), layer)


def reply_states(
    model: ModelRef, prompts: Sequence[Prompt], replies: Sequence[str], layer: float
) -> npt.NDArray[np.float32]:
    """A layer's hidden states at the token before the last one of each reply, [N, H].

    See `prompt_states`. Of a reply of one token, it is the last token of the prompt.
    """
    _, tokenizer = resident(model)
    texts = zip(
        encode(tokenizer, prompts, replies), encode_replies(tokenizer, replies), strict=True
    )
    return _states(model, [prompt + reply[:-1] for prompt, reply in texts], layer)


def _states(ref: ModelRef, texts: Sequence[Sequence[int]], layer: float) -> npt.NDArray[np.float32]:
    """A layer's hidden states at the last token of each text (token ids), [N, H]."""
    import numpy as np

    model, tokenizer = resident(ref)
    states: dict[int, npt.NDArray[np.float32]] = {}
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    tokens_per_batch = TOKENS_PER_BATCH
    while order:
        rows = order[-max(1, tokens_per_batch // max(1, len(texts[order[-1]]))) :]
        batch = [texts[row] for row in rows]
        values = memory.attempt(partial(_last_token, model, tokenizer, batch, layer))
        if values is not None:
            order = order[: -len(rows)]
            states.update(zip(rows, values, strict=True))
        elif len(rows) == 1:
            raise StageError(
                f"memory runs out on a single text of {len(batch[0])} tokens: use a smaller model "
                "or dtype, quantization, or shorter prompts"
            )
        else:
            tokens_per_batch //= 2
    width = model.config.get_text_config().hidden_size
    ordered = [states[row] for row in range(len(texts))]
    return np.array(ordered, dtype=np.float32).reshape(len(texts), width)


def _last_token(
    model: Any, tokenizer: Any, texts: Sequence[Sequence[int]], layer: float
) -> list[npt.NDArray[np.float32]]:
    """A layer's hidden state at the last token of each text, in one forward pass."""
    import torch

    with master_weights.autocast(model), torch.inference_mode():
        inputs = shared_inputs(model, tokenizer, texts, texts)
        states = model(**inputs, logits_to_keep=1, output_hidden_states=True).hidden_states
        # The first are the embeddings.
        chosen = states[max(1, round(layer * (len(states) - 1)))]  # [B, K, H]
        return list(chosen[:, -1].float().cpu().numpy())
