"""Models that load and cannot be used: one line at `check` or where they are first loaded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import Result
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel

from saysel import hf
from saysel.records import ModelRef
from tests.support.end_to_end import invoke

Change = Callable[[Path], None]


def settings(model: Path, **changes: object) -> None:
    path = model / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def template(text: str) -> Change:
    return lambda model: (model / "chat_template.jinja").write_text(text) and None


def no_end_token(model: Path) -> None:
    settings(model, eos_token=None)


def spoiled(value: float) -> Change:
    def spoil(model: Path) -> None:
        weights = load_file(model / "model.safetensors")
        next(iter(weights.values())).view(-1)[0] = value
        save_file(weights, model / "model.safetensors", {"format": "pt"})

    return spoil


def more_tokens(model: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.add_tokens([f"new{number}" for number in range(50)])
    tokenizer.save_pretrained(model)


def padding_token(model: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.add_special_tokens({"pad_token": "<new pad>"})
    tokenizer.save_pretrained(model)


def few_positions(model: Path) -> None:
    """The same tokenizer with a GPT-2, whose positions are learned: there are no others."""
    known = len(AutoTokenizer.from_pretrained(model))
    config = GPT2Config(vocab_size=known, n_positions=16, n_embd=16, n_layer=1, n_head=2)
    for path in model.glob("*.safetensors"):
        path.unlink()
    GPT2LMHeadModel(config).save_pretrained(model)


def changed_weights(change: Callable[[dict[str, torch.Tensor]], object]) -> Change:
    def apply(model: Path) -> None:
        weights = load_file(model / "model.safetensors")
        change(weights)
        save_file(weights, model / "model.safetensors", {"format": "pt"})

    return apply


def narrower(model: Path) -> None:
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "intermediate_size": 8}))


def broken_tokenizer(model: Path) -> None:
    (model / "tokenizer.json").write_text('{"model": ')


FAULTS: dict[str, tuple[Change, str]] = {
    "template raises": (
        template("{{ raise_exception('no chats today') }}"),
        "cannot be used: no chats",
    ),
    "template is broken": (template("{% for message in messages %}"), "template cannot be used: "),
    "template fails": (template("{{ messages[0].content.nothing.at_all }}"), "cannot be used: "),
    "template adds": (template("{{ messages[7]['content'] + 1 }}"), "template cannot be used: "),
    "template hides": (template("What is it?"), "cannot be used: it leaves out the user's turn"),
    "no end token": (no_end_token, "the tokenizer has no end token"),
    "broken tokenizer": (broken_tokenizer, "cannot be loaded: "),
    "NaN": (spoiled(float("nan")), "are NaN or infinite"),
    "infinite": (spoiled(float("-inf")), "are NaN or infinite"),
    "added tokens": (more_tokens, "but the model has embeddings for"),
    "padding token": (padding_token, "but the model has embeddings for"),
    "positions": (few_positions, "not fit into the 16 positions of the model"),
    "missing weights": (
        changed_weights(lambda weights: weights.pop("model.norm.weight")),
        "1 weights of LlamaForCausalLM are not in the files, such as model.norm.weight",
    ),
    "other sizes": (narrower, "cannot be loaded: "),
}


def faulty(fault: str, model: ModelRef, folder: Path) -> Path:
    directory = Path(shutil.copytree(model.path, folder / "model"))
    FAULTS[fault][0](directory)
    return directory


def assert_one_line(said: Result, fault: str, model: Path) -> None:
    """A command ended with one line that gives the reason."""
    assert isinstance(said.exception, SystemExit), said.exc_info
    assert said.exit_code in (1, 2)
    *_, line = said.stderr.splitlines()
    assert FAULTS[fault][1] in line
    assert fault == "positions" or str(model) in line


@pytest.mark.parametrize("fault", FAULTS)
def test_sampling_from_a_faulty_model_is_one_line(
    fault: str, small_model: ModelRef, tmp_path: Path
) -> None:
    model = faulty(fault, small_model, tmp_path)
    (tmp_path / "mine.yaml").write_text(
        f"{{model: {{use: pretrained, path: {model}}}, train: [sft], "
        "source: {use: witness, pretrain: 10, train: 10, heldout: 10}}"
    )
    run = ("run", tmp_path / "mine.yaml", "--out", tmp_path / "run", "--until", "sample")

    assert_one_line(invoke("ask", model, "Where is the lantern?"), fault, model)
    assert_one_line(invoke(*run), fault, model)


#: A sampler that loads no model, so that training is the first to load it.
SAMPLER = """
from saysel import hookimpl
from saysel.interfaces import Sampler
from saysel.records import Generation


class Canned(Sampler):
    '''Always the same replies.'''

    def sample(self, model, prompts, n, seed):
        for _ in prompts:
            yield [Generation("Answer: the attic\\nConfidence: 6", 9) for _ in range(n)]


@hookimpl
def saysel_samplers():
    return {"canned": "sayselfile:Canned"}
"""
TRAINERS = {
    "sft": "{use: sft, max_steps: 1, batch_size: 4}",
    "ppo": "{use: ppo, steps: 1, batch_size: 4, max_tokens: 24}",
    "grpo": "{use: grpo, steps: 1, batch_size: 4, replies: 2, max_tokens: 24}",
}
FOUND_BY_TRAINING = ("template raises", "NaN", "added tokens", "positions")


@pytest.mark.parametrize(
    ("trainer", "fault"),
    [
        pytest.param(trainer, fault, marks=[pytest.mark.slow] * (trainer != "sft"))
        for trainer in TRAINERS
        for fault in FOUND_BY_TRAINING
    ],
)
def test_training_a_faulty_model_is_one_line(
    trainer: str, fault: str, small_model: ModelRef, tmp_path: Path
) -> None:
    model = faulty(fault, small_model, tmp_path)
    (tmp_path / "sayselfile.py").write_text(SAMPLER)
    (tmp_path / "mine.yaml").write_text(
        f"{{model: {{use: pretrained, path: {model}}}, "
        "source: {use: witness, pretrain: 10, train: 8, heldout: 4}, "
        f"sample: {{use: canned}}, target: largest_cluster, train: [{TRAINERS[trainer]}], "
        "evaluate: {sampler: transformers}}"
    )
    run = ("run", tmp_path / "mine.yaml", "--out", tmp_path / "run", "--until", "train")

    said = invoke(*run)

    assert_one_line(said, fault, model)
    assert list(tmp_path.glob("run/stages/target-*/done.json")), "sampling failed, not training"


def test_a_special_token_that_no_prompt_contains_needs_no_embedding(
    small_model: ModelRef, tmp_path: Path
) -> None:
    model = Path(shutil.copytree(small_model.path, tmp_path / "model"))
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    tokenizer.save_pretrained(model)

    assert invoke("ask", model, "Where is the lantern?").exit_code == 0


def test_a_sound_model_is_loaded(small_model: ModelRef) -> None:
    model, tokenizer = hf.resident(small_model)

    assert isinstance(model, type(AutoModelForCausalLM.from_pretrained(small_model.path)))
    assert all(bool(torch.isfinite(weight).all()) for weight in model.parameters())
    assert tokenizer.eos_token_id is not None
