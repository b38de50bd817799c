from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from saysel.errors import DataError
from saysel.formats.sayself import SaySelfFormat
from saysel.interfaces import Source
from saysel.models.scratch import Collator, ScratchModel, encode_documents, make_batches
from saysel.records import ModelRef, Question
from saysel.sources.witness import WitnessSource
from saysel.testing import Steps

SOURCE = WitnessSource(pretrain=96)
FORMAT = SaySelfFormat(instruction="")
TINY: dict[str, Any] = {"layers": 2, "width": 16, "heads": 2, "vocabulary": 320, "batch_size": 8}


def build(
    directory: Path, progress: Steps | None = None, seed: int = 0, **options: Any
) -> ModelRef:
    model = ScratchModel(**{**TINY, "max_steps": 2, **options})
    return model.prepare(SOURCE, FORMAT, directory, seed, progress or Steps())


def weights(ref: ModelRef) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(Path(ref.path) / "model.safetensors")


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "mistral", "gemma3", "gpt2"])
def test_any_transformers_code_loads_it(architecture: str, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    ref = build(tmp_path, architecture=architecture)

    model = AutoModelForCausalLM.from_pretrained(ref.path)
    tokenizer = AutoTokenizer.from_pretrained(ref.path)
    assert model.config.model_type.startswith(architecture)
    text = model.config.get_text_config()
    assert (text.num_hidden_layers, text.hidden_size, text.vocab_size) == (2, 16, len(tokenizer))
    chat = [{"role": "user", "content": "Where is the globe?"}]
    rendered = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert rendered == "<|user|>Where is the globe?<|assistant|>"
    ids = tokenizer(rendered, return_tensors="pt")
    assert tokenizer.decode(ids["input_ids"][0]) == rendered
    out = model.generate(**ids, do_sample=False, max_new_tokens=5)
    assert 1 <= out.shape[1] - ids["input_ids"].shape[1] <= 5
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    assert 0 <= tokenizer.pad_token_id != tokenizer.eos_token_id


def logits_of(ref: ModelRef, ids: torch.Tensor) -> torch.Tensor:
    from transformers import AutoModelForCausalLM

    with torch.no_grad():
        found: torch.Tensor = AutoModelForCausalLM.from_pretrained(ref.path)(ids).logits
    return found


def test_a_window_limits_what_mistral_sees(tmp_path: Path) -> None:
    """Two layers with a window of 4 see 7 positions; without a window, mistral equals llama."""
    windowed, plain, llama = (
        build(tmp_path / name, **options)
        for name, options in {
            "windowed": {"architecture": "mistral", "sliding_window": 4},
            "plain": {"architecture": "mistral"},
            "llama": {"architecture": "llama"},
        }.items()
    )
    ids = torch.arange(10, 30)[None]
    changed = ids.clone()
    changed[0, 0] = 5

    assert torch.equal(logits_of(windowed, ids)[0, 7:], logits_of(windowed, changed)[0, 7:])
    assert not torch.equal(logits_of(plain, ids)[0, -1], logits_of(plain, changed)[0, -1])
    assert torch.equal(logits_of(plain, ids), logits_of(llama, ids))


def test_only_architectures_with_windows_take_one() -> None:
    with pytest.raises(ValidationError, match="llama has none; use mistral or gemma3"):
        ScratchModel(sliding_window=4)


def test_the_chat_template_closes_replies(small_model: ModelRef) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(small_model.path)
    chat = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Where?"},
        {"role": "assistant", "content": "There."},
    ]
    rendered = tokenizer.apply_chat_template(chat, tokenize=False)
    assert rendered == "<|system|>Be brief.<|user|>Where?<|assistant|>There.<|end|>"
    special = {"<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"}
    assert all(len(tokenizer(mark)["input_ids"]) == 1 for mark in special)


def test_seeds_repeat(tmp_path: Path) -> None:
    first, again, other = (
        weights(build(tmp_path / str(number), seed=seed)) for number, seed in enumerate((0, 0, 1))
    )

    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


class Killed(Steps):
    """Progress of a process that is killed after some steps."""

    after = 110

    def advance(self, units: int = 1) -> None:
        super().advance(units)
        if self.done == self.after:
            raise KeyboardInterrupt


def test_killed_and_resumed_is_as_if_nothing_had_happened(tmp_path: Path) -> None:
    straight = build(tmp_path / "straight", max_steps=120, batch_size=2)
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "resumed", Killed(), max_steps=120, batch_size=2)
    assert not (tmp_path / "resumed" / "model").exists()
    checkpoints = [path.name for path in (tmp_path / "resumed" / "checkpoints").iterdir()]
    assert checkpoints == ["checkpoint-100"]
    progress = Steps()

    resumed = build(tmp_path / "resumed", progress, max_steps=120, batch_size=2)

    expected, found = weights(straight), weights(resumed)
    assert all(torch.equal(value, found[name]) for name, value in expected.items())
    assert progress.done == progress.total == 120


def test_training_lowers_the_loss_of_replies(tmp_path: Path) -> None:
    from saysel import hf

    def loss(ref: ModelRef) -> float:
        model, tokenizer = hf.load_model(ref), hf.load_tokenizer(ref)
        questions = list(SOURCE.questions("pretrain"))
        documents = encode_documents(
            tokenizer, list(ScratchModel()._chats(questions, FORMAT, 0))[:32]
        )
        with torch.no_grad():
            return float(model(**Collator(tokenizer.pad_token_id)([documents])).loss)

    assert loss(build(tmp_path / "long", max_steps=100)) < loss(build(tmp_path / "short")) - 1


def test_the_amount_of_work_is_known_before() -> None:
    # 96 questions and 5 % of practice are 101 documents, 13 batches of 8.
    assert ScratchModel(**TINY).work(SOURCE) == (13, "steps")
    assert ScratchModel(**TINY, epochs=2.5).work(SOURCE) == (32, "steps")
    assert ScratchModel(**TINY).smoke().work(SOURCE) == (1, "steps")


@pytest.mark.parametrize(("width", "heads"), [(96, 5), (10, 10), (16, 3)])
def test_heads_must_divide_the_width(width: int, heads: int) -> None:
    with pytest.raises(ValidationError, match=rf"heads \({heads}\) must divide width \({width}\)"):
        ScratchModel(width=width, heads=heads)


@pytest.mark.parametrize("architecture", ["lama", "vit", "t5"])
def test_an_unknown_architecture_is_one_line(architecture: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"no causal LM of type '{architecture}'"):
        build(tmp_path, architecture=architecture)


class Empty(Source):
    """Has nothing to build a model from."""

    def questions(self, split: str) -> list[Question]:
        return []


def test_a_source_without_a_pretrain_split_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'pretrain', which is empty"):
        ScratchModel(**TINY).prepare(Empty(), FORMAT, tmp_path, 0, Steps())


def test_batches_hold_every_document_once_and_lengths_that_fit() -> None:
    documents = [([0] * (1 + number % 40), [number]) for number in range(1000)]
    batches = make_batches(documents, 8, seed=0)

    assert sorted(reply[0] for batch in batches for _, reply in batch) == list(range(1000))
    assert {len(batch) for batch in batches} == {8}
    spread = [max(len(p) for p, _ in batch) - min(len(p) for p, _ in batch) for batch in batches]
    assert sum(spread) / len(spread) < 3
    assert make_batches(documents, 8, seed=0) == batches != make_batches(documents, 8, seed=1)


def test_only_replies_have_labels() -> None:
    found = Collator(pad=9)([[([1, 2], [3, 4]), ([5], [6])]])

    assert found["input_ids"].tolist() == [[1, 2, 3, 4], [5, 6, 9, 9]]
    assert found["labels"].tolist() == [[-100, -100, 3, 4], [-100, 6, -100, -100]]
