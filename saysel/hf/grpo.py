"""GRPO with TRL, on replies that were drawn, judged and masked elsewhere.

Beside `saysel.hf`, with which it shares the purpose of keeping moving parts in one place. Of TRL's
GRPOTrainer (0.24 and newer) it uses the loss, the optimizer and the checkpoints. What TRL would do
between them, drawing replies and comparing their rewards, is handed in: its versions differ in how
they draw, end and mask replies and in what becomes of one without a reward.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple

from saysel import hf
from saysel.hf.generation import padded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


class Weighed(NamedTuple):
    """A reply and what it is worth.

    Attributes:
        context: token ids of the prompt and of what the reward may not move.
        movable: token ids behind them, which the reward may move.
        advantage: how much better the reply is than others of its group; 0 teaches nothing.
    """

    context: list[int]
    movable: list[int]
    advantage: float


#: Of a step, counted from 0, and the rows of the data set that it is given: its replies.
RollOut = Callable[[Any, int, Sequence[int]], list[Weighed]]


def grpo_config(**options: Any) -> Any:
    """TRL's GRPOConfig; memory is traded for time on accelerators only.

    Every reply counts the same, and in it every token, as in GRPO's paper (arXiv 2402.03300,
    equation 3), and the KL term is the paper's estimator without an importance weight (equation
    4). Dropout stays off, so that replies are drawn from what is trained.
    """
    hf.quiet()
    from trl import GRPOConfig

    accelerated = hf.device() != "cpu"
    options |= {"loss_type": "grpo", "disable_dropout": True, "shuffle_dataset": False}
    if "use_bias_correction_kl" in {field.name for field in fields(GRPOConfig)}:
        options["use_bias_correction_kl"] = False  # older TRL knows no other form
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = GRPOConfig(gradient_checkpointing=accelerated, bf16=accelerated, **options)
    return hf.on_one_device(config)


def grpo_trainer(roll_out: RollOut, rows: Sequence[int], beta: float, **options: Any) -> Any:
    """TRL's GRPOTrainer on the replies of `roll_out`, with the questions in the order of `rows`.

    To TRL, what the reward may not move is a part of the prompt: no version needs a mask of its
    own for that. KL(policy || reference) at the movable tokens weighs `beta`; the reference is
    the policy as it came. TRL would load another model for it, or take an adapter's base.
    """
    hf.quiet()
    import torch
    from datasets import Dataset
    from trl import GRPOTrainer

    class MaskedTrainer(GRPOTrainer):  # type: ignore[misc]
        def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
            model = self.accelerator.unwrap_model(self.model)
            groups = [row["prompt"] for row in inputs[:: self.num_generations]]
            model.eval()  # in which caches work
            replies = roll_out(model, self.state.global_step, groups)
            model.train()
            batch = tensors(replies, self.processing_class.pad_token_id, model.device)
            if self.beta:
                with torch.no_grad(), as_it_came(model, self.reference):
                    found = self._get_per_token_logps_and_entropies(
                        self.model,
                        torch.cat([batch["prompt_ids"], batch["completion_ids"]], 1),
                        torch.cat([batch["prompt_mask"], batch["completion_mask"]], 1),
                        batch["completion_ids"].shape[1],
                        self.args.per_device_train_batch_size,
                    )
                batch["ref_per_token_logps"] = found[0]
            return batch

    def unused(**_: Any) -> list[float]:
        """TRL asks for a reward; ours is in the advantages."""
        raise AssertionError("the replies are rewarded already")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = MaskedTrainer(
            reward_funcs=unused, train_dataset=Dataset.from_dict({"prompt": list(rows)}), **options
        )
    trainer.beta = beta
    trainer.reference = learned(trainer.model) if beta else {}
    return trainer


def tensors(replies: Sequence[Weighed], pad: int, device: Any) -> dict[str, Any]:
    """What TRL trains on: contexts padded on the left, [B, L], movable tokens behind, [B, T]."""
    import torch

    prompt_ids, prompt_mask = padded([reply.context for reply in replies], pad, device)
    longest = max(1, *(len(reply.movable) for reply in replies))
    ids = [reply.movable + [pad] * (longest - len(reply.movable)) for reply in replies]
    mask = [[int(place < len(reply.movable)) for place in range(longest)] for reply in replies]
    return {
        "prompt_ids": prompt_ids,
        "prompt_mask": prompt_mask,
        "completion_ids": torch.tensor(ids, device=device),
        "completion_mask": torch.tensor(mask, device=device),
        "advantages": torch.tensor([reply.advantage for reply in replies], device=device),
        "num_items_in_batch": torch.tensor(mask, device=device).sum(),
    }


def learned(model: Any) -> dict[str, Tensor]:
    """A copy of the weights that are trained."""
    return {
        name: weight.detach().clone()
        for name, weight in model.named_parameters()
        if weight.requires_grad
    }


@contextmanager
def as_it_came(model: Any, before: dict[str, Tensor]) -> Iterator[None]:
    """The model with its weights of before, for as long as this lasts."""
    now = {name: weight.data for name, weight in model.named_parameters() if name in before}
    try:
        for name, weight in model.named_parameters():
            if name in before:
                weight.data = before[name]
        yield
    finally:
        for name, weight in model.named_parameters():
            if name in now:
                weight.data = now[name]
