"""Models that live in the world of two arms."""

from __future__ import annotations

import pytest
import torch

from saysel.records import ModelRef
from saysel.testing import Data, Steps
from tests.trainers.two_arms import FORMAT, RED, TwoArms


@pytest.fixture(scope="session")
def red(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """A model that answers everything with red, at any confidence."""
    return RED.prepare(TwoArms(), FORMAT, tmp_path_factory.mktemp("red"), 0, Steps())


@pytest.fixture(scope="session")
def adapted(red: ModelRef, tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """The same model below a fresh adapter."""
    from peft import LoraConfig, get_peft_model

    from saysel import hf

    torch.manual_seed(1)
    config = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
    directory = tmp_path_factory.mktemp("adapter")
    get_peft_model(hf.load_model(red), config).save_pretrained(directory)
    return ModelRef(red.path, adapter=str(directory), dtype="float32")


@pytest.fixture
def two_arms() -> Data:
    """Training data about both arms, decoded greedily."""
    return Data(TwoArms().questions("train"), format=FORMAT, temperature=0.0, seed=3)
