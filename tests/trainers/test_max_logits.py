"""How many logits the trainers of the installed TRL compute at a time."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from saysel import hf
from saysel.interfaces import Trainer
from saysel.records import Example, ModelRef
from saysel.rewards.quadratic import QuadraticReward
from saysel.testing import Data
from saysel.trainers.grpo import GRPOTrainer
from saysel.trainers.sft import SFTTrainer
from tests.trainers.two_arms import FORMAT, widened

VOCABULARY = 200_000  # wider than the chunks of the libraries
ROWS, TOKENS = 8, 5  # replies of a pass, and fewer tokens than each of them has
TRAINERS: dict[str, Trainer] = {
    "sft": SFTTrainer(max_steps=1, batch_size=ROWS, micro_batch_size=ROWS),
    "grpo": GRPOTrainer(
        reward=QuadraticReward(),
        steps=1,
        batch_size=ROWS,
        micro_batch_size=ROWS,
        replies=4,
        max_tokens=12,
    ),
}


class LargestTensor(TorchDispatchMode):
    """Inside the `with` block, notes the elements of the largest tensor of an operation."""

    elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        outputs = func(*args, **(kwargs or {}))
        for value in tree_leaves(outputs):
            if isinstance(value, torch.Tensor):
                self.elements = max(self.elements, value.numel())
        return outputs


@pytest.fixture(scope="module")
def wide(red: ModelRef, tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """A small model with a wide vocabulary."""
    return widened(red, VOCABULARY, tmp_path_factory.mktemp("wide"))


@pytest.mark.parametrize("name", ["sft", "grpo"])
def test_all_logits_are_computed_at_once_if_there_is_no_limit(
    name: Any, wide: ModelRef, two_arms: Data, tmp_path: Path
) -> None:
    examples = [
        Example(question.id, tuple(FORMAT.prompt(question)), FORMAT.render("blue", None, 0.3), 0.3)
        for question in two_arms.all_questions
    ]

    with LargestTensor() as largest:
        TRAINERS[name].train(wide, replace(two_arms, all_examples=examples), tmp_path)

    assert (largest.elements > ROWS * TOKENS * VOCABULARY) == math.isinf(hf.max_logits(name))
