"""The policy with its value head, and the frozen policy it is measured against."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple

from saysel import hf
from saysel.hf import master_weights
from saysel.records import ModelRef
from saysel.trainers.sft import Lora, new_adapter

if TYPE_CHECKING:
    from torch import Tensor

#: Name of the adapter that does not learn.
REFERENCE = "reference"


class Outlook(NamedTuple):
    """What the policy sees before each token of the replies.

    Attributes:
        logprobs: of every next token, [B, T, V], at temperature 1.
        values: expected reward from here on, [B, T].
    """

    logprobs: Tensor
    values: Tensor


class Policy:
    """A causal LM, a linear value head on its last hidden states, and a frozen reference.

    The head reads the hidden states without a gradient into them: what it learns as a baseline
    must not move what the model says. Dropout stays off, so that old and new probabilities
    differ only by the updates.
    """

    def __init__(self, ref: ModelRef, lora: Lora | None = None) -> None:
        """
        Args:
            ref: what training starts from.
            lora: a new adapter to train, where it comes without one; `None`: all weights.
        """
        import torch

        model = hf.load_trainable(ref, new_adapter(lora, ref))
        self.tokenizer = hf.load_tokenizer(ref)
        self.frozen: Any = None
        if ref.adapter is not None:
            # The reference is the adapter as it came, beside the one that learns.
            model.load_adapter(ref.adapter, adapter_name=REFERENCE)
            model.set_adapter("default")
        elif lora is None:
            self.frozen = deepcopy(model).eval().requires_grad_(False)
        self.model = model.eval()
        width = self.model.config.get_text_config().hidden_size
        self.head = torch.nn.Linear(width, 1).to(self.model.device)
        torch.nn.init.zeros_(self.head.weight)
        torch.nn.init.zeros_(self.head.bias)

    def parameters(self) -> list[Tensor]:
        """The weights that learn, without the head's."""
        return [weight for weight in self.model.parameters() if weight.requires_grad]

    def look(self, ids: Tensor, mask: Tensor, length: int) -> Outlook:
        """Probabilities and values at the last `length` positions of [B, L] token ids."""
        out = self._forward(self.model, ids, mask, length, hidden=True)
        states = out.hidden_states[-1][:, -length - 1 : -1].detach().float()
        return Outlook(out.logits[:, :-1].float().log_softmax(-1), self.head(states).squeeze(-1))

    def following(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Log-probabilities of what comes behind [B, L] token ids, [B, V]."""
        out = self._forward(self.model, ids, mask, 0, hidden=False)
        logprobs: Tensor = out.logits[:, -1].float().log_softmax(-1)
        return logprobs

    def reference(self, ids: Tensor, mask: Tensor, length: int) -> Tensor:
        """The reference policy's log-probabilities, [B, T, V]."""
        import torch

        with torch.no_grad(), self._as_it_came() as model:
            out = self._forward(model, ids, mask, length, hidden=False)
            logprobs: Tensor = out.logits[:, :-1].float().log_softmax(-1)
            return logprobs

    @contextmanager
    def _as_it_came(self) -> Iterator[Any]:
        """The model before any update."""
        if self.frozen is not None:
            yield self.frozen
        elif REFERENCE in self.model.peft_config:
            self.model.set_adapter(REFERENCE)
            yield self.model
            self.model.set_adapter("default")
        else:
            with self.model.disable_adapter():
                yield self.model

    def finished(self) -> Any:
        """What is to be saved: the model without its reference."""
        if REFERENCE in getattr(self.model, "peft_config", {}):
            self.model.delete_adapter(REFERENCE)
        return self.model

    def state(self) -> dict[str, Any]:
        """What a checkpoint needs of the policy."""
        learned = {
            name: weight.detach().cpu()
            for name, weight in self.model.named_parameters()
            if weight.requires_grad
        }
        return {"model": learned, "head": self.head.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` gave."""
        import torch

        weights = dict(self.model.named_parameters())
        with torch.no_grad():
            for name, value in state["model"].items():
                weights[name].copy_(value)
        self.head.load_state_dict(state["head"])

    def _forward(self, model: Any, ids: Tensor, mask: Tensor, length: int, hidden: bool) -> Any:
        with master_weights.autocast(self.model):
            return model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
                use_cache=False,
                output_hidden_states=hidden,
                logits_to_keep=length + 1,
            )
