from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from saysel import hf
from saysel.errors import StageError
from saysel.hf.training import COMPLETE
from saysel.records import Example, ModelRef
from saysel.samplers.transformers import TransformersSampler
from saysel.testing import Data, Steps
from saysel.trainers.sft import Lora, SFTTrainer
from tests.trainers.two_arms import FORMAT, same, weights

FULL = {"lora": None, "learning_rate": 1e-2}
ADAPTER = {"lora": Lora(r=8, alpha=16, dropout=0.1), "learning_rate": 2e-2}
BOTH = pytest.mark.parametrize("options", [FULL, ADAPTER], ids=["full", "adapter"])


@pytest.fixture
def examples(two_arms: Data) -> Data:
    """To every question the answer that the model does not give."""
    learned = [
        Example(question.id, tuple(FORMAT.prompt(question)), FORMAT.render("blue", None, 0.3), 0.3)
        for question in two_arms.all_questions
    ]
    return replace(two_arms, all_examples=learned)


def says(model: ModelRef, data: Data) -> set[str]:
    sampler = TransformersSampler(max_tokens=24, temperature=0)
    prompts = [FORMAT.prompt(question) for question in data.all_questions]
    return {reply.text for (reply,) in sampler.sample(model, prompts, 1, 0)}


@BOTH
def test_it_learns_the_examples(
    options: dict[str, Any], red: ModelRef, examples: Data, tmp_path: Path
) -> None:
    trainer = SFTTrainer(**options, epochs=24, batch_size=8)

    trained = trainer.train(red, examples, tmp_path)

    assert says(trained, examples) == {"Answer: blue Confidence: 3"}
    assert not any(text.startswith("Answer: blue") for text in says(red, examples))
    losses = [entry["loss"] for entry in examples.figures]
    assert len(losses) == trainer.work(32)[0] == 96
    assert losses[-1] < losses[0] / 4


def test_all_weights_are_saved_as_a_separate_model(
    red: ModelRef, examples: Data, tmp_path: Path
) -> None:
    trained = SFTTrainer(**FULL, max_steps=1, batch_size=8).train(red, examples, tmp_path)

    assert trained == ModelRef(str(tmp_path / "model"), dtype="float32")
    assert weights(trained).keys() == weights(red).keys()


def test_an_adapter_is_saved_without_its_base(
    red: ModelRef, examples: Data, tmp_path: Path
) -> None:
    before = weights(red)
    trained = SFTTrainer(**ADAPTER, max_steps=1, batch_size=8).train(red, examples, tmp_path)

    assert trained == replace(red, adapter=str(tmp_path / "model"))
    assert all("lora" in name for name in weights(trained))
    assert all(torch.equal(before[name], value) for name, value in weights(red).items())


def test_the_loss_is_on_the_replies_only(red: ModelRef, examples: Data, tmp_path: Path) -> None:
    model, tokenizer = hf.load_model(red), hf.load_tokenizer(red)
    total, count = 0.0, 0
    for example in examples.all_examples:
        (prompt,) = hf.encode(tokenizer, [example.prompt])
        reply = tokenizer(example.completion + tokenizer.eos_token)["input_ids"]
        with torch.no_grad():
            scores = model(torch.tensor([prompt + reply])).logits[0].log_softmax(-1)
        picked = scores[len(prompt) - 1 : -1].gather(1, torch.tensor(reply)[:, None])
        total -= float(picked.sum())
        count += len(reply)

    SFTTrainer(**FULL, max_steps=1, batch_size=32, warmup=0).train(red, examples, tmp_path)

    assert examples.figures[0]["loss"] == pytest.approx(total / count, abs=1e-3)


@pytest.mark.parametrize("micro", [1, 3, 4])
def test_how_much_goes_into_a_pass_changes_nothing(
    micro: int, red: ModelRef, examples: Data, tmp_path: Path
) -> None:
    whole, parts = (
        SFTTrainer(lora=None, max_steps=4, batch_size=8, micro_batch_size=size).train(
            red, examples, tmp_path / str(size)
        )
        for size in (8, micro)
    )

    for name, value in weights(whole).items():
        torch.testing.assert_close(weights(parts)[name], value, atol=1e-4, rtol=0)


def test_long_examples_are_left_out(red: ModelRef, examples: Data, tmp_path: Path) -> None:
    long = [replace(example, completion="red " * 2000) for example in examples.all_examples]
    trainer = SFTTrainer(**FULL, max_steps=2, batch_size=8)
    few = replace(examples, all_examples=[*examples.all_examples[:16], *long[16:]], figures=[])
    half = replace(examples, all_examples=examples.all_examples[:16], figures=[])

    trainer.train(red, few, tmp_path / "few")
    trainer.train(red, half, tmp_path / "half")

    assert few.figures == [{"step": 0, "too_long": 16}, *half.figures]
    with pytest.raises(StageError, match="all 32 examples are longer than 400 tokens: raise max_"):
        trainer.train(red, replace(examples, all_examples=long), tmp_path / "none")


def test_an_existing_adapter_is_trained_further(
    red: ModelRef, examples: Data, tmp_path: Path
) -> None:
    trainer = SFTTrainer(**ADAPTER, epochs=12, batch_size=8)

    first = trainer.train(red, examples, tmp_path / "first")
    second = trainer.train(first, examples, tmp_path / "second")

    assert second == replace(red, adapter=str(tmp_path / "second" / "model"))
    assert weights(second).keys() == weights(first).keys()
    # It starts from where the first ended.
    losses = [entry["loss"] for entry in examples.figures]
    assert losses[48] < losses[0] / 2
    assert says(second, examples) == {"Answer: blue Confidence: 3"}


class Killed(Steps):
    """Progress of a process that is killed after some steps."""

    def __init__(self, after: int) -> None:
        self.after = after

    def advance(self, units: int = 1) -> None:
        super().advance(units)
        if self.done >= self.after:
            raise KeyboardInterrupt


@BOTH
def test_killed_and_resumed_is_as_if_nothing_had_happened(
    options: dict[str, Any], red: ModelRef, examples: Data, tmp_path: Path
) -> None:
    trainer = SFTTrainer(**options, max_steps=26, batch_size=4)
    straight = trainer.train(red, examples, tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        trainer.train(red, replace(examples, progress=Killed(23)), tmp_path / "resumed")
    checkpoints = tmp_path / "resumed" / "checkpoints"
    assert {path.name for path in checkpoints.glob("*-*")} == {"checkpoint-10", "checkpoint-20"}
    # As if it had been killed while it wrote its last checkpoint.
    (checkpoints / "checkpoint-20" / COMPLETE).unlink()
    (checkpoints / "checkpoint-20" / "optimizer.pt").write_bytes(b"half")
    progress = Steps()

    resumed = trainer.train(red, replace(examples, progress=progress), tmp_path / "resumed")

    assert same(straight, resumed)
    assert progress.done == progress.total == 26


def test_without_examples_it_is_one_line(red: ModelRef, two_arms: Data, tmp_path: Path) -> None:
    with pytest.raises(StageError, match="sft: there are no examples to train on"):
        SFTTrainer().train(red, two_arms, tmp_path)


def test_with_the_mask_confidence_only_the_confidence_has_a_loss(
    red: ModelRef, examples: Data, tmp_path: Path
) -> None:
    model, tokenizer = hf.load_model(red), hf.load_tokenizer(red)
    total, count = 0.0, 0
    for example in examples.all_examples:
        (prompt,) = hf.encode(tokenizer, [example.prompt])
        before, after = (
            tokenizer(text)["input_ids"]
            for text in ("Answer: blue Confidence:", " 3" + tokenizer.eos_token)
        )
        with torch.no_grad():
            scores = model(torch.tensor([prompt + before + after])).logits[0].log_softmax(-1)
        picked = scores[len(prompt + before) - 1 : -1].gather(1, torch.tensor(after)[:, None])
        total -= float(picked.sum())
        count += len(after)

    trainer = SFTTrainer(**FULL, mask="confidence", max_steps=1, batch_size=32, warmup=0)
    trainer.train(red, examples, tmp_path)

    assert examples.figures[0]["loss"] == pytest.approx(total / count, abs=1e-3)


@pytest.mark.parametrize("micro", [32, 5])
def test_a_soft_target_is_the_cross_entropy_over_all_confidences(
    micro: int, red: ModelRef, examples: Data, tmp_path: Path
) -> None:
    model, tokenizer = hf.load_model(red), hf.load_tokenizer(red)
    # Two tenths from the label is two standard deviations: exp(-2) as likely as the label.
    weights = torch.tensor([math.exp(-0.5 * (k - 3) ** 2) for k in range(11)])
    expected = 0.0
    for example in examples.all_examples:
        (prompt,) = hf.encode(tokenizer, [example.prompt])
        for k, share in enumerate((weights / weights.sum()).tolist()):
            before = tokenizer("Answer: blue Confidence:")["input_ids"]
            # "1" ends where "10" continues; what follows any other digit is not a decision.
            stated = tokenizer(f" {k}" + (tokenizer.eos_token if k == 1 else ""))["input_ids"]
            with torch.no_grad():
                text = torch.tensor([prompt + before + stated])
                scores = model(text).logits[0].log_softmax(-1)
            first = len(prompt + before) - 1
            picked = scores[first:-1].gather(1, torch.tensor(stated)[:, None])
            expected -= share * float(picked.sum()) / len(examples.all_examples)

    options = {"max_steps": 1, "batch_size": 32, "micro_batch_size": micro, "warmup": 0}
    trainer = SFTTrainer(**FULL, mask="confidence", soft=0.1, **options)
    trainer.train(red, examples, tmp_path)

    assert examples.figures[0]["loss"] == pytest.approx(expected, abs=1e-3)


def test_a_soft_target_is_learned(red: ModelRef, examples: Data, tmp_path: Path) -> None:
    trainer = SFTTrainer(**FULL, mask="confidence", soft=0.05, epochs=6, batch_size=8)

    trained = trainer.train(red, examples, tmp_path)

    prompts = [example.prompt for example in examples.all_examples]
    stated = hf.read_confidence(
        trained, FORMAT, prompts, ["Answer: blue Confidence:"] * len(prompts)
    )
    assert stated == pytest.approx([0.3] * len(prompts), abs=0.05)


def test_soft_targets_are_of_the_confidence() -> None:
    with pytest.raises(ValidationError, match="soft needs mask: confidence"):
        SFTTrainer(soft=0.1)


@pytest.mark.parametrize("soft", [None, 0.1])
def test_examples_that_decline_are_no_part_of_a_pass_over_the_confidences(
    soft: float | None, red: ModelRef, examples: Data, tmp_path: Path
) -> None:
    """Half of 32 examples state a confidence: with batches of four, two passes are eight steps."""
    mixed = [
        replace(example, completion=FORMAT.render("unsure", None, None), confidence=None)
        if row % 2
        else example
        for row, example in enumerate(examples.all_examples)
    ]
    trainer = SFTTrainer(**FULL, mask="confidence", soft=soft, batch_size=4, epochs=2)

    trainer.train(red, replace(examples, all_examples=mixed), tmp_path)

    assert [entry["step"] for entry in examples.figures] == list(range(1, 9))


@pytest.mark.parametrize("soft", [None, 0.1])
def test_without_a_confidence_in_any_example_it_is_one_line(
    soft: float | None, red: ModelRef, examples: Data, tmp_path: Path
) -> None:
    declining = [replace(example, confidence=None) for example in examples.all_examples]
    trainer = SFTTrainer(**FULL, mask="confidence", soft=soft)

    with pytest.raises(StageError, match="sft: none of 32 examples states a confidence") as caught:
        trainer.train(red, replace(examples, all_examples=declining), tmp_path)

    assert "\n" not in str(caught.value)
