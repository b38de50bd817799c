"""A world of two kinds of questions: one that a model gets right, one that it gets wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import torch

from saysel import hf
from saysel.formats.sayself import SaySelfFormat
from saysel.interfaces import Parsed, Source
from saysel.models.scratch import ScratchModel
from saysel.records import ModelRef, Question

FORMAT = SaySelfFormat(instruction="")


class FirstColon(SaySelfFormat):
    """Reads the confidence after the first colon, and not after the last as other formats."""

    confidence_marker: ClassVar[str] = ":"
    confidences: ClassVar[Mapping[str, float]] = {
        f" red Confidence: {k}": k / 10 for k in range(11)
    }

    def parse(self, text: str, cut: bool = False) -> Parsed:
        _, colon, stated = text.partition(":")
        return Parsed("red" if colon else None, None, self.confidences.get(stated))


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


def weights(ref: ModelRef) -> dict[str, torch.Tensor]:
    """The saved weights, of the adapter where there is one."""
    from safetensors.torch import load_file

    if ref.adapter:
        return load_file(Path(ref.adapter) / "adapter_model.safetensors")
    return load_file(Path(ref.path) / "model.safetensors")


def same(one: ModelRef, other: ModelRef) -> bool:
    """Whether two models have bit for bit the same weights."""
    left, right = weights(one), weights(other)
    return left.keys() == right.keys() and all(
        torch.equal(value, right[name]) for name, value in left.items()
    )


def widened(model: ModelRef, vocabulary: int, directory: Path) -> ModelRef:
    """The model with a wider vocabulary, saved in a directory."""
    wide = hf.load_model(model)
    wide.resize_token_embeddings(vocabulary, mean_resizing=False)
    hf.save(wide, hf.load_tokenizer(model), directory)
    return ModelRef(str(directory), dtype="float32")
