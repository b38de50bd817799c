"""DPO with TRL (arXiv 2305.18290), on pairs of tokens whose reference is known."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

from saysel import hf


class Preference(NamedTuple):
    """A prompt, its preferred reply and its rejected reply, as token ids.

    Attributes:
        reference_chosen, reference_rejected: log-probability of each reply before training, summed
            over its tokens, in nats.
    """

    prompt: list[int]
    chosen: list[int]
    rejected: list[int]
    reference_chosen: float
    reference_rejected: float


def dpo_config(**options: Any) -> Any:
    """TRL's DPOConfig, see `saysel.hf.trl_config`."""
    hf.silence_libraries()
    from trl import DPOConfig

    # The rows contain the reference, and none of them is too long.
    options |= {"precompute_ref_log_probs": True, "max_length": None}
    return hf.trl_config(DPOConfig, **options)


def dpo_trainer(preferences: Sequence[Preference], **options: Any) -> Any:
    """TRL's DPOTrainer on preferences.

    TRL would compute the reference itself. That needs a second model, and after resuming from a
    checkpoint it would use the trained model as the reference.
    """
    hf.silence_libraries()
    from datasets import Dataset
    from trl import DPOTrainer

    class PreferenceTrainer(DPOTrainer):  # type: ignore[misc]
        # TRL 0.24 computes references before the first batch, newer versions in the constructor.
        _precomputed_train_ref_log_probs = property(lambda self: True, lambda self, value: None)

        def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
            return dataset

        def _precompute_ref_logps(self, dataset: Any, *_: Any, **__: Any) -> Any:
            return dataset

    columns = {
        # Versions differ in the names of the columns, and ignore those of others.
        **{
            f"{part}_{ids}": [getattr(row, part) for row in preferences]
            for part in ("prompt", "chosen", "rejected")
            for ids in ("ids", "input_ids")
        },
        "ref_chosen_logps": [row.reference_chosen for row in preferences],
        "ref_rejected_logps": [row.reference_rejected for row in preferences],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        trainer = PreferenceTrainer(train_dataset=Dataset.from_dict(columns), **options)
    # Newer versions keep a copy of the adapter as the reference.
    if "ref" in getattr(trainer.model, "peft_config", {}):
        trainer.model.delete_adapter("ref")
    return trainer
