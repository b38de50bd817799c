"""Last hidden states of a causal LM, and the logits that it computes from them.

Logits are as wide as the vocabulary: with 152,000 entries, those of one reply of 400 tokens take
240 MB, its last hidden states at width 4,096 only 3 MB. So training keeps hidden states, and
computes logits where it needs them, a chunk of positions at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

Result = TypeVar("Result")

#: Logits in one chunk; in float32 they take 128 MiB.
LOGITS_PER_CHUNK = 2**25


def last_hidden_states(model: Any, ids: Tensor, mask: Tensor) -> Tensor:
    """The states from which the model computes its logits, at the last K positions, [B, K, H].

    K is L without the columns on the left in which all rows are padded: prompts of a batch have
    different lengths, and some of its rows together are often shorter than the longest.

    Args:
        model: a causal LM, or a PEFT model around one.
        ids, mask: token ids with any padding and 1 at the tokens, [B, L].
    """
    first = int(mask.any(0).int().argmax())
    ids, mask = ids[:, first:], mask[:, first:]
    states, _ = states_of(
        model,
        input_ids=ids,
        attention_mask=mask,
        position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
        use_cache=False,
    )
    return states


def states_of(model: Any, **inputs: Any) -> tuple[Tensor, Any]:
    """The states from which the model computes its logits for some inputs, and its output.

    Args:
        model: a causal LM, or a PEFT model around one.
        inputs: what the model is called with, K positions of each row.

    Returns:
        [B, K, H], and the output, whose logits are those of the last position only.
    """
    states: list[Tensor] = []
    hook = _backbone(model).register_forward_hook(
        lambda module, arguments, output: states.append(output[0])
    )
    try:
        # The whole model runs, because wrappers prepare weights and inputs where it is called.
        output = model(**inputs, logits_to_keep=1)
    finally:
        hook.remove()
    return states[0], output


def logits(model: Any, states: Tensor) -> Tensor:
    """The model's logits in float32 after some of its last hidden states, [N, H] -> [N, V].

    The model computes them itself, from these states instead of its backbone's output. Some
    architectures scale logits or cap them after the output layer.
    """
    import torch

    ids = torch.zeros(1, len(states), dtype=torch.long, device=states.device)
    with _replaced_output(_backbone(model), states[None]):
        found: Tensor = model(input_ids=ids, use_cache=False).logits[0].float()
    return found


def in_chunks(
    compute: Callable[..., tuple[Tensor, ...]], vocabulary: int, *inputs: Tensor
) -> tuple[Tensor, ...]:
    """`compute` on a chunk of positions at a time, so that its logits take bounded memory.

    Args:
        compute: from some rows of each input to some tensors with as many rows; see `in_turn`.
        vocabulary: logits per position, V.
        inputs: tensors of N rows.

    Returns:
        The results for all N rows.
    """
    import torch

    size = max(1, LOGITS_PER_CHUNK // vocabulary)
    chunks = list(zip(*(torch.split(rows, size) for rows in inputs), strict=True))
    return tuple(torch.cat(parts) for parts in zip(*in_turn(compute, chunks), strict=True))


def in_turn(compute: Callable[..., Result], inputs: Sequence[tuple[Any, ...]]) -> list[Result]:
    """`compute` on each of several inputs, with the intermediate results of one at a time.

    The backward pass recomputes those of all but the last, with which it begins.

    Args:
        compute: draws no random numbers.
    """
    from torch.utils.checkpoint import checkpoint

    results = [
        checkpoint(compute, *each, use_reentrant=False, preserve_rng_state=False)
        for each in inputs[:-1]
    ]
    return [*results, *(compute(*each) for each in inputs[-1:])]


def _backbone(model: Any) -> Any:
    """The model without its output layer."""
    from peft import PeftModel

    inner = model.get_base_model() if isinstance(model, PeftModel) else model
    backbone = inner.base_model
    if backbone is inner:  # Gemma 3 in transformers 4
        backbone = inner.model
    return getattr(backbone, "decoder", backbone)  # OPT and others call a part of theirs


@contextmanager
def _replaced_output(backbone: Any, states: Tensor) -> Iterator[None]:
    """Let the backbone return these last hidden states, whatever it is called with."""
    from transformers.modeling_outputs import BaseModelOutput

    class GivenStates(BaseModelOutput):  # type: ignore[misc]
        def __getattr__(self, name: str) -> None:
            """Outputs that some architectures pass on, such as caches and router logits."""
            if name.startswith("__"):
                raise AttributeError(name)

    replaced = vars(backbone).get("forward")
    backbone.forward = lambda *_, **__: GivenStates(last_hidden_state=states)
    try:
        yield
    finally:
        if replaced is None:
            del backbone.forward
        else:
            backbone.forward = replaced
