"""Faults of a model that the libraries load without complaint, each refused in one line.

They would show later: as an error from inside a library, after hours, or as replies that mean
nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from saysel.errors import DataError
from saysel.hf.chat import render
from saysel.interfaces import Prompt
from saysel.records import ModelRef

#: Rendered once when a tokenizer is loaded.
PROMPT: Prompt = [{"role": "user", "content": "Which one?"}]


def check_weight_files(ref: ModelRef) -> None:
    """See that the directories of a model and its adapter have files of weights.

    Raises:
        DataError: one has none, or only empty ones; hub ids are left to the hub.
    """
    for folder in (Path(path) for path in (ref.path, ref.adapter) if path is not None):
        if folder.is_dir() and not any(
            path.suffix in (".safetensors", ".bin") and path.stat().st_size
            for path in folder.iterdir()
        ):
            raise DataError(
                f"{folder}: the directory has no weights (*.safetensors or *.bin): copy the whole "
                "directory that save_pretrained made"
            )


def check_tokenizer(ref: ModelRef, tokenizer: Any) -> None:
    """See that a tokenizer can end a reply and that its chat template renders a question.

    Raises:
        DataError: it cannot.
    """
    if tokenizer.eos_token_id is None:
        raise DataError(
            f"{ref.path}: its tokenizer has no end token, so no reply would ever end: set "
            "eos_token in its tokenizer_config.json"
        )
    render(tokenizer, PROMPT)


def check_weights(ref: ModelRef, model: Any) -> None:
    """See that all weights are numbers.

    Raises:
        DataError: some are NaN or infinite.
    """
    import torch

    for name, weight in model.named_parameters():
        if weight.is_floating_point() and weight.device.type != "meta":
            wrong = weight.numel() - int(torch.isfinite(weight.detach()).sum())
            if wrong:
                raise DataError(
                    f"{ref.adapter or ref.path}: {wrong:,} of {weight.numel():,} weights of "
                    f"{name} are NaN or infinite: its training went wrong, or dtype "
                    f"'{ref.dtype}' is too small for them"
                )


def check_vocabulary(ref: ModelRef, model: Any, tokenizer: Any) -> None:
    """Check that the model has an embedding for every token that its prompts can contain.

    A special token that neither the chat template nor padding uses may lie beyond them: the
    tokenizers of text-only models often keep one for images.

    Raises:
        DataError: a token has no embedding.
    """
    known = int(model.get_input_embeddings().weight.shape[0])
    special = {id for id, token in tokenizer.added_tokens_decoder.items() if token.special}
    used = {token for token in tokenizer.get_vocab().values() if token not in special}
    used |= {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id} - {None}
    used |= set(tokenizer(render(tokenizer, PROMPT), add_special_tokens=False)["input_ids"])
    highest = max(used, default=-1)
    if highest >= known:
        raise DataError(
            f"{ref.path}: its tokenizer gives token ids up to {highest:,}, and the model has "
            f"embeddings for {known:,}: they do not belong together, or the embeddings were not "
            "resized after tokens were added"
        )


def check_length(model: Any, prompt: int, reply: int) -> None:
    """See that prompt and reply fit into the positions that a model has.

    Args:
        model: the model.
        prompt: tokens of the longest prompt.
        reply: tokens that a reply may have.

    Raises:
        DataError: they do not.
    """
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if isinstance(positions, int) and 0 < positions < prompt + reply:
        raise DataError(
            f"a prompt of {prompt:,} tokens and a reply of up to {reply:,} do not fit into the "
            f"{positions:,} positions of the model: shorten the prompt, lower max_tokens, or use "
            "a model with a longer context"
        )
