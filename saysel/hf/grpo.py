"""GRPO with TRL, on replies that were sampled, rewarded and masked elsewhere.

Of TRL's GRPOTrainer (0.24 and newer) this uses the loss, the optimizer and the checkpoints.
Sampling replies and comparing their rewards, which TRL would do in between, is passed in, because
TRL versions differ in how they sample, end and mask replies and in how they treat a reply
without a reward.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple

from saysel.hf import processes
from saysel.hf.loading import silence_libraries
from saysel.hf.logprobs import pad_left
from saysel.hf.rollout_gap import DrawnTokens, importance_weights
from saysel.hf.sharding import gathered, is_sharded
from saysel.hf.trainer_arguments import trl_config

if TYPE_CHECKING:
    from torch import Tensor


class WeightedReply(NamedTuple):
    """A reply and the weight with which the policy learns from it.

    Attributes:
        context: token ids of the prompt and of the reply's beginning that is not trained.
        trained: token ids of the rest of the reply, which the reward trains.
        advantage: how much better the reply is than the others of its group; 0 has no effect.
        logprobs: of the trained tokens, by the engine that drew them.
    """

    context: list[int]
    trained: list[int]
    advantage: float
    logprobs: Sequence[float] = ()


#: From the model, the step (counted from 0) and the questions' rows to the step's replies.
RollOut = Callable[[Any, int, Sequence[int]], list[WeightedReply]]


def grpo_config(**options: Any) -> Any:
    """TRL's GRPOConfig, see `saysel.hf.trl_config`.

    All replies have the same weight, and so have all tokens within a reply (arXiv 2402.03300,
    equation 3). The KL term is the paper's estimator without an importance weight (equation 4).
    Dropout is off, so that replies are sampled from the policy that is trained.
    """
    from trl import GRPOConfig

    options |= {"loss_type": "grpo", "disable_dropout": True, "shuffle_dataset": False}
    if "use_bias_correction_kl" in {field.name for field in fields(GRPOConfig)}:
        options["use_bias_correction_kl"] = False  # older versions have no other form
    return trl_config(GRPOConfig, **options)


def grpo_trainer(
    roll_out: RollOut,
    rows: Sequence[int],
    beta: float,
    max_weight: float | None = None,
    **options: Any,
) -> Any:
    """TRL's GRPOTrainer on the replies of `roll_out`.

    For TRL, the tokens that are not trained belong to the prompt, which works in every version
    without a mask.

    Args:
        rows: the questions' rows in the order of training.
        beta: weight of KL(policy || reference) at the trained tokens. The reference is the
            policy before training; TRL would load a second model or use an adapter's base.
        max_weight: largest importance weight of tokens that another engine drew; `None`: the
            policy itself draws them. The trainer's `gap_figures` are those of
            `importance_weights` for the last step.
    """
    silence_libraries()
    from datasets import Dataset

    def unused_reward(**_: Any) -> list[float]:
        """TRL requires a reward; ours is part of the advantages."""
        raise AssertionError("the replies have been rewarded already")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = _trainer_class(roll_out)(
            reward_funcs=unused_reward,
            train_dataset=Dataset.from_dict({"prompt": own_rows(rows, options["args"])}),
            **options,
        )
    trainer.beta = beta
    trainer.max_weight = max_weight
    trainer.gap_figures = {}
    trainer.reference_weights = copy_trainable_weights(trainer.model) if beta else {}
    return trainer


def own_rows(rows: Sequence[int], config: Any) -> list[int]:
    """The questions of this process: its share of those of each step."""
    own = config.per_device_train_batch_size * config.gradient_accumulation_steps
    size = own * processes.count() // config.num_generations  # questions of a step
    steps = [rows[start : start + size] for start in range(0, len(rows), size)]
    return [row for step in steps for row in processes.part(step)]


def _trainer_class(roll_out: RollOut) -> Any:
    """A GRPOTrainer whose batches are the replies of `roll_out`."""
    import torch
    from trl import GRPOTrainer

    class RollOutTrainer(GRPOTrainer):  # type: ignore[misc]
        has_own_rows = True

        def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
            model = self.accelerator.unwrap_model(self.model)
            questions = [row["prompt"] for row in inputs[:: self.num_generations]]
            model.eval()  # in training mode, caches may be off
            with gathered(model):
                replies = roll_out(model, self.state.global_step, questions)
            model.train()
            batch = training_tensors(replies, self.processing_class.pad_token_id, model.device)
            if self.beta:
                with torch.no_grad(), replaced_weights(model, self.reference_weights):
                    batch["ref_per_token_logps"] = self._logprobs(batch)
            if self.max_weight is not None:
                batch["old_per_token_logps"] = self._weighted_logprobs(batch, replies)
            return batch

        def _weighted_logprobs(self, batch: dict[str, Any], replies: list[WeightedReply]) -> Any:
            """Log-probabilities of the trained tokens, minus the logarithms of their weights.

            Each batch gets one update, so TRL's ratios to these are the importance weights.
            """
            with torch.no_grad():
                logprobs = self._logprobs(batch)
            mask = batch["completion_mask"]
            drawn = torch.zeros(mask.shape)
            for row, reply in enumerate(replies):
                drawn[row, : len(reply.logprobs)] = torch.tensor(reply.logprobs)
            weights, self.gap_figures = importance_weights(
                logprobs,
                DrawnTokens(drawn.to(mask.device), mask * self.temperature),
                self.temperature,
                mask,
                self.max_weight,
            )
            return logprobs - weights.log()

        def _logprobs(self, batch: dict[str, Any]) -> Any:
            logprobs, *_ = self._get_per_token_logps_and_entropies(
                self.model,
                torch.cat([batch["prompt_ids"], batch["completion_ids"]], 1),
                torch.cat([batch["prompt_mask"], batch["completion_mask"]], 1),
                batch["completion_ids"].shape[1],
                self.args.per_device_train_batch_size,
            )
            return logprobs

    return RollOutTrainer


def training_tensors(replies: Sequence[WeightedReply], pad: int, device: Any) -> dict[str, Any]:
    """TRL's inputs: contexts padded on the left, [B, L], trained tokens on the right, [B, T]."""
    import torch

    prompt_ids, prompt_mask = pad_left([reply.context for reply in replies], pad, device)
    longest = max(1, *(len(reply.trained) for reply in replies))
    ids = [reply.trained + [pad] * (longest - len(reply.trained)) for reply in replies]
    mask = [
        [int(position < len(reply.trained)) for position in range(longest)] for reply in replies
    ]
    return {
        "prompt_ids": prompt_ids,
        "prompt_mask": prompt_mask,
        "completion_ids": torch.tensor(ids, device=device),
        "completion_mask": torch.tensor(mask, device=device),
        "advantages": torch.tensor([reply.advantage for reply in replies], device=device),
        "num_items_in_batch": torch.tensor(mask, device=device).sum(),
    }


def copy_trainable_weights(model: Any) -> dict[str, Tensor]:
    """A copy of the weights that are trained, by name."""
    return {
        name: weight.detach().clone()
        for name, weight in model.named_parameters()
        if weight.requires_grad
    }


@contextmanager
def replaced_weights(model: Any, weights: dict[str, Tensor]) -> Iterator[None]:
    """Give the model other weights, by name, inside the `with` block."""
    import torch

    named = {name: weight for name, weight in model.named_parameters() if name in weights}
    current = {
        name: weight.detach().clone() if is_sharded(weight) else weight.data
        for name, weight in named.items()
    }

    def replace(values: dict[str, Tensor]) -> None:
        for name, weight in named.items():
            if is_sharded(weight):  # the sharding keeps the memory of its weights
                with torch.no_grad():
                    weight.copy_(values[name])
            else:
                weight.data = values[name]

    try:
        replace(weights)
        yield
    finally:
        replace(current)
