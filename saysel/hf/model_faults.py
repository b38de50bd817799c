"""Faults of a model that the libraries load without complaint, each refused in one line.

Otherwise they would show hours later, as an error inside a library or as meaningless replies.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from saysel.errors import DataError
from saysel.hf.chat import render
from saysel.hf.model_files import check_architecture
from saysel.interfaces import Prompt
from saysel.records import ModelRef

#: Rendered once to check the chat template of a tokenizer.
EXAMPLE_PROMPT: Prompt = [{"role": "user", "content": "Which one?"}]


def check_tokenizer(ref: ModelRef, tokenizer: Any) -> None:
    """Check that a tokenizer can end a reply and that its chat template renders a question.

    Raises:
        DataError: it has no end token, or its template is unusable.
    """
    if tokenizer.eos_token_id is None:
        raise DataError(
            f"{ref.path}: the tokenizer has no end token, so no reply would ever end: set "
            "eos_token in tokenizer_config.json"
        )
    render(tokenizer, EXAMPLE_PROMPT)


def check_complete(ref: ModelRef, model: Any, missing: Collection[str]) -> None:
    """Check that a checkpoint is of a causal language model and has all of its weights.

    Args:
        missing: names of the weights that loading initialised at random.

    Raises:
        DataError: it is not, or some are missing.
    """
    check_architecture(ref.path, model.config.to_dict())
    # Quantized layers add weights that checkpoints lack.
    if missing and getattr(model, "hf_quantizer", None) is None:
        raise DataError(
            f"{ref.path}: {len(missing)} weights of {type(model).__name__} are not in the files, "
            f"such as {min(missing)}: the model was made for something else, or files are missing"
        )


def check_weights(ref: ModelRef, model: Any) -> None:
    """Check that all weights are finite.

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
                    f"{name} are NaN or infinite: training diverged, or dtype '{ref.dtype}' cannot "
                    "represent them"
                )


def check_vocabulary(ref: ModelRef, model: Any, tokenizer: Any) -> None:
    """Check that the model has an embedding for every token that its prompts can contain.

    Special tokens that neither the chat template nor padding uses need none: tokenizers of
    text-only models often have one for images.

    Raises:
        DataError: a token has no embedding.
    """
    known = int(model.get_input_embeddings().weight.shape[0])
    special = {id for id, token in tokenizer.added_tokens_decoder.items() if token.special}
    used = {token for token in tokenizer.get_vocab().values() if token not in special}
    used |= {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id} - {None}
    used |= set(tokenizer(render(tokenizer, EXAMPLE_PROMPT), add_special_tokens=False)["input_ids"])
    highest = max(used, default=-1)
    if highest >= known:
        raise DataError(
            f"{ref.path}: the tokenizer produces token ids up to {highest:,}, but the model has "
            f"embeddings for {known:,}: they do not belong together, or the embeddings were not "
            "resized after tokens were added"
        )


def check_length(model: Any, prompt: int, reply: int) -> None:
    """Check that prompt and reply fit into the positions of a model.

    Args:
        model: the model.
        prompt: number of tokens in the longest prompt.
        reply: maximum number of tokens in a reply.

    Raises:
        DataError: they do not.
    """
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if isinstance(positions, int) and 0 < positions < prompt + reply:
        texts = f"a prompt of {prompt:,} tokens"
        texts = f"{texts} and a reply of up to {reply:,} do" if reply else f"{texts} does"
        raise DataError(
            f"{texts} not fit into the {positions:,} positions of the model: shorten the prompt, "
            "lower max_tokens or max_length, or use a model with a longer context"
        )
