"""The policy with its value head, and the frozen reference policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple

from saysel import hf
from saysel.hf import processes, sharding
from saysel.records import ModelRef
from saysel.trainers.lora import Lora, new_adapter

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from saysel.hf.vllm_replies import VLLMReplies

#: Name of the adapter that is not trained.
REFERENCE = "reference"


class PolicyOutput(NamedTuple):
    """Output of the policy before each token of the replies.

    Attributes:
        states: last hidden states, [B, T, H].
        values: expected reward from here on, [B, T].
        texts: prompts and replies as they were read.
    """

    states: Tensor
    values: Tensor
    texts: hf.ReadTexts


class Policy:
    """A causal LM, a linear value head on its last hidden states, and a frozen reference.

    No gradient flows from the head into the hidden states: learning a baseline must not change
    what the model says. Dropout is off, so that old and new probabilities differ only by the
    updates.
    """

    def __init__(
        self,
        ref: ModelRef,
        lora: Lora | None = None,
        gradient_checkpointing: bool = False,
        engine: VLLMReplies | None = None,
    ) -> None:
        """
        Args:
            ref: the model that training starts from, which is also the reference.
            lora: adapter to add if the model has none; `None` trains all weights.
            gradient_checkpointing: see `saysel.hf.checkpoint_layers`.
            engine: samples the replies; `None`: the model itself.
        """
        import torch

        model = hf.load_trainable(ref, new_adapter(lora, ref))
        self.tokenizer = hf.load_tokenizer(ref)
        self.frozen: Any = None
        if ref.adapter is not None:
            # The reference is a second, untrained copy of the adapter.
            model.load_adapter(ref.adapter, adapter_name=REFERENCE)
            model.set_adapter("default")
        elif lora is None:
            frozen = hf.load_trainable(ref) if processes.sharded() else deepcopy(model)
            self.frozen = frozen.eval().requires_grad_(False)
        hf.disable_dropout(model)
        if gradient_checkpointing:
            hf.checkpoint_layers(model)
        self.model = model.eval()
        self.engine = engine
        width = self.model.config.get_text_config().hidden_size
        self.head = torch.nn.Linear(width, 1).to(self.model.device)
        torch.nn.init.zeros_(self.head.weight)
        torch.nn.init.zeros_(self.head.bias)

    def parameters(self) -> list[Tensor]:
        """The trained weights of the model, without the value head."""
        return [weight for weight in self.model.parameters() if weight.requires_grad]

    def reply(
        self, prompts: Sequence[list[int]], decoding: hf.Decoding, generator: torch.Generator
    ) -> list[hf.Reply]:
        """Sample one reply to each prompt (token ids)."""
        ends = hf.end_tokens(self.model, self.tokenizer)
        if self.engine is not None:
            samples = self.engine.generate(self.model, prompts, 1, decoding, generator, ends)
        else:
            samples = hf.generate(self.model, self.tokenizer, prompts, 1, decoding, generator, ends)
        return [reply for (reply,) in samples]

    def forward(self, ids: Tensor, mask: Tensor, length: int, room: int = 0) -> PolicyOutput:
        """Hidden states and values at the last `length` positions.

        Args:
            ids, mask: token ids padded on both sides and 1 at the tokens, [B, L].
            length: T, the tokens of the longest reply.
            room: tokens of the longest continuation, see `saysel.hf.read_texts`.
        """
        with hf.autocast(self.model):
            texts = hf.read_texts(self.model, ids, mask, room)
        states = texts.states[:, -length - 1 : -1]
        return PolicyOutput(states, self.head(states.detach().float()).squeeze(-1), texts)

    def reference_states(self, ids: Tensor, mask: Tensor, length: int) -> Tensor:
        """The reference policy's hidden states, [B, T, H], see `forward`."""
        import torch

        with torch.no_grad(), self._reference() as model:
            return self._states(model, ids, mask)[:, -length - 1 : -1]

    def logprobs(self, states: Tensor) -> Tensor:
        """Log-probabilities of every next token after N hidden states, [N, V], in nats.

        At temperature 1.
        """
        with hf.autocast(self.model):
            logits = hf.logits(self.model, states)
        return logits.log_softmax(-1)

    def reference_logprobs(self, states: Tensor) -> Tensor:
        """The reference policy's log-probabilities after its hidden states, see `logprobs`."""
        import torch

        with torch.no_grad(), self._reference() as model, hf.autocast(self.model):
            return hf.logits(model, states).log_softmax(-1)

    def next_token_logprobs(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Log-probabilities of the token after [B, L] token ids, [B, V]."""
        return self.logprobs(self._states(self.model, ids, mask)[:, -1])

    def continued_logprobs(
        self, texts: hf.ReadTexts, seen: Tensor, tokens: Sequence[int]
    ) -> Tensor:
        """Log-probabilities of the token after texts and some more tokens, [B, V].

        Args:
            texts, seen, tokens: see `saysel.hf.continued`.
        """
        with hf.autocast(self.model):
            states = hf.continued(self.model, texts, seen, tokens)
        return self.logprobs(states)

    @property
    def vocabulary(self) -> int:
        """The number of logits, V."""
        size: int = self.model.config.get_text_config().vocab_size
        return size

    @contextmanager
    def training(self) -> Iterator[None]:
        """Training mode inside the `with` block, in which layers can be checkpointed."""
        self.model.train()
        try:
            yield
        finally:
            self.model.eval()

    @contextmanager
    def _reference(self) -> Iterator[Any]:
        """The model before any update."""
        if self.frozen is not None:
            yield self.frozen
        elif REFERENCE in self.model.peft_config:
            self.model.set_adapter(REFERENCE)
            try:
                yield self.model
            finally:  # recomputations for the backward pass may end early
                self.model.set_adapter("default")
        else:
            with self.model.disable_adapter():
                yield self.model

    def trained_model(self) -> Any:
        """The model to save, without the reference."""
        if REFERENCE in getattr(self.model, "peft_config", {}):
            self.model.delete_adapter(REFERENCE)
        return self.model

    def state(self) -> dict[str, Any]:
        """The policy's part of a checkpoint."""
        trained = {
            name: sharding.whole(weight.detach()).cpu()
            for name, weight in self.model.named_parameters()
            if weight.requires_grad
        }
        return {"model": trained, "head": self.head.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        import torch

        weights = dict(self.model.named_parameters())
        with torch.no_grad():
            for name, value in state["model"].items():
                weights[name].copy_(sharding.like(weights[name], value))
        self.head.load_state_dict(state["head"])

    def _states(self, model: Any, ids: Tensor, mask: Tensor) -> Tensor:
        with hf.autocast(self.model):
            return hf.last_hidden_states(model, ids, mask)
