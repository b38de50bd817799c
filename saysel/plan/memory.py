"""How much memory a training phase needs, from the model's configuration.

The formula is explained in `docs/explanation/memory.md`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from saysel.costs.tokens import likely_prompt_tokens
from saysel.interfaces import PassSize, Trainer
from saysel.plan.estimates import TYPICAL_QUESTION
from saysel.plan.stage import Plan, Stage

GB = 1e9
#: Phases that need less are not mentioned.
MENTIONED = 1 * GB
#: Share of the device that an estimate may take before it is called too large.
USABLE = 0.9
#: Tensors as large as the logits that the loss holds at its peak, with their gradients.
LOGIT_TENSORS = 7
FLOAT32 = 4
#: Rank of an adapter that was made elsewhere.
USUAL_RANK = 64
#: Weight, gradient and the two moments of AdamW, in float32.
TRAINED_BYTES = 16


@dataclass(frozen=True)
class ModelSize:
    """The dimensions of a decoder of the Llama kind.

    Attributes:
        layers: L. width: H. mlp: F, of the feed-forward network. keys: K, width of all keys.
        vocabulary: V. tied: input and output embeddings are the same weights.
        normalises_queries: queries and keys are normalised, as in Qwen3.
        weight_bytes: bytes per weight, e.
    """

    layers: int
    width: int
    mlp: int
    keys: int
    vocabulary: int
    tied: bool
    normalises_queries: bool = False
    weight_bytes: int = 2

    @property
    def matrices(self) -> int:
        """Weights in the linear layers: attention, and gate, up and down of the MLP."""
        return self.layers * (2 * self.width * (self.width + self.keys) + 3 * self.width * self.mlp)

    @property
    def weights(self) -> int:
        """All weights except those of the norms, which are few."""
        return self.matrices + self.vocabulary * self.width * (1 if self.tied else 2)

    def adapter_weights(self, rank: int) -> int:
        """Weights of a low-rank adapter on every linear layer."""
        sums = 2 * (self.width + self.width) + 2 * (self.width + self.keys)
        return self.layers * rank * (sums + 3 * (self.width + self.mlp))


@dataclass(frozen=True)
class MemoryEstimate:
    """What a training phase holds at its peak, in bytes."""

    weights: float
    trained: float
    activations: float
    logits: float

    @property
    def total(self) -> float:
        """The sum."""
        return self.weights + self.trained + self.activations + self.logits


def model_size(config: Mapping[str, Any], dtype: str = "auto") -> ModelSize | None:
    """The dimensions in a model's `config.json`; `None` if it does not name them."""

    def find(*names: str) -> Any:
        return next((config[name] for name in names if config.get(name) is not None), None)

    layers, width = find("num_hidden_layers", "n_layer"), find("hidden_size", "n_embd")
    heads = find("num_attention_heads", "n_head")
    vocabulary = find("vocab_size")
    if not all(isinstance(value, int) for value in (layers, width, heads, vocabulary)):
        return None
    stored = find("dtype", "torch_dtype") if dtype == "auto" else dtype
    head_width = find("head_dim") or width // heads
    return ModelSize(
        layers=layers,
        width=width,
        mlp=find("intermediate_size", "n_inner") or 4 * width,
        keys=(find("num_key_value_heads") or heads) * head_width,
        vocabulary=vocabulary,
        tied=bool(find("tie_word_embeddings")),
        normalises_queries=str(find("model_type")).startswith(("qwen3", "gemma3")),
        weight_bytes=4 if stored in (None, "float32") else 2,
    )


def layer_activations(model: ModelSize, rank: int | None) -> float:
    """Bytes that a layer keeps of one token for the backward pass.

    Args:
        rank: of the adapter; `None` if all weights are trained, in float32.
    """
    width, mlp, keys = model.width, model.mlp, model.keys
    queries = (width + keys) * model.normalises_queries
    if rank is None:
        return FLOAT32 * (8 * width + 4 * mlp + 2 * keys + 2 * queries)
    if model.weight_bytes == FLOAT32:
        return FLOAT32 * (6 * width + 4 * mlp + 2 * keys + queries + 7 * rank)
    # Adapters and norms compute in float32, on copies of their inputs.
    copies = FLOAT32 * (7 * width + mlp + queries + 7 * rank)
    return copies + model.weight_bytes * (4 * width + 3 * mlp + 2 * keys)


def estimate_memory(model: ModelSize, size: PassSize, accelerated: bool) -> MemoryEstimate:
    """What training needs at its peak."""
    checkpointed = accelerated if size.checkpointing is None else size.checkpointing
    tokens = size.rows * size.tokens
    # Training all weights holds them in float32, whatever their own type.
    per_weight = FLOAT32 if size.rank is None else model.weight_bytes
    trained = model.weights if size.rank is None else model.adapter_weights(size.rank)
    weights = 0.0 if size.rank is None else per_weight * model.weights
    if size.reference_copy:
        weights += FLOAT32 * model.weights
    layer = layer_activations(model, size.rank)
    kept = model.layers * (per_weight * model.width if checkpointed else layer)
    return MemoryEstimate(
        weights=weights,
        trained=TRAINED_BYTES * trained,
        activations=tokens * (kept + (layer if checkpointed else 0)),
        logits=LOGIT_TENSORS
        * FLOAT32
        * min(size.rows * size.logit_tokens * model.vocabulary, size.max_logits),
    )


def memory_lines(plan: Plan) -> list[str]:
    """What each training phase of a plan needs, where that is much or unknown."""
    device, available = device_memory()
    return list(dict.fromkeys(_lines(plan, device, available)))


def _lines(plan: Plan, device: str, available: float | None) -> Iterator[str]:
    for step in plan.steps:
        size = _pass_size(step)
        if size is None or step.recipe.model.remote:
            continue
        config = step.recipe.model.config()
        model = model_size(config, getattr(step.recipe.model, "dtype", "auto")) if config else None
        if model is None:
            if step.recipe.model.served_name():
                yield f"{step.name}: memory unknown, the model's config.json is not on this machine"
            continue
        needed = estimate_memory(model, size, accelerated=device == "GPU")
        if needed.total < MENTIONED:
            continue
        line = (
            f"{step.name}: about {needed.total / GB:.0f} GB of {device} memory (weights "
            f"{needed.weights / GB:.1f}, trained weights {needed.trained / GB:.1f}, activations "
            f"{needed.activations / GB:.1f}, logits {needed.logits / GB:.1f})"
        )
        if available is not None and needed.total > USABLE * available:
            line += (
                f"; this machine has {available / GB:.0f} GB: lower micro_batch_size, train an "
                "adapter (lora), or choose a smaller model"
            )
        yield line


def _pass_size(step: Stage) -> PassSize | None:
    """What a training phase holds; an adapter of the model or of an earlier phase is trained on."""
    trainer = getattr(step, "trainer", None)
    if not isinstance(trainer, Trainer):
        return None
    size = trainer.pass_size(likely_prompt_tokens(step.recipe.format.prompt(TYPICAL_QUESTION)))
    earlier = _pass_size(step.inputs["model"])
    rank = earlier.rank if earlier else None
    if getattr(step.recipe.model, "adapter", None) is not None:
        rank = rank or USUAL_RANK
    if size is None or rank is None:
        return size
    return replace(size, rank=rank, reference_copy=False)


def device_memory() -> tuple[str, float | None]:
    """`GPU` or `CPU`, and its memory in bytes; `None` if it is not known."""
    if shutil.which("nvidia-smi"):
        command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
        if answer and answer[0].isdigit():
            return "GPU", int(answer[0]) * 2**20
    try:
        return "CPU", float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return "CPU", None
