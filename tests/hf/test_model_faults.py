"""Models that load and cannot be used: one line at `check` or where they are first loaded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
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


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            template("{{ raise_exception('no chats today') }}"),
            "cannot be used: no chats",
        ),
        (template("{% for message in messages %}"), "template cannot be used: "),
        (
            template("{{ messages[0].content.nothing.at_all }}"),
            "template cannot be used: ",
        ),
        (template("{{ messages[7]['content'] + 1 }}"), "template cannot be used: "),
        (no_end_token, "the tokenizer has no end token"),
        (spoiled(float("nan")), "are NaN or infinite"),
        (spoiled(float("-inf")), "are NaN or infinite"),
        (more_tokens, "but the model has embeddings for"),
        (padding_token, "but the model has embeddings for"),
        (few_positions, "do not fit into the 16 positions of the model"),
    ],
)
def test_a_model_that_cannot_be_used_is_one_line(
    change: Change, reason: str, small_model: ModelRef, tmp_path: Path
) -> None:
    model = Path(shutil.copytree(small_model.path, tmp_path / "model"))
    change(model)
    (tmp_path / "mine.yaml").write_text(
        f"{{model: {{use: pretrained, path: {model}}}, train: [sft], "
        "source: {use: witness, pretrain: 10, train: 10, heldout: 10}}"
    )

    for command in (
        ("ask", model, "Where is the lantern?"),
        ("run", tmp_path / "mine.yaml", "--out", tmp_path / "run", "--until", "sample"),
    ):
        said = invoke(*command)

        assert isinstance(said.exception, SystemExit), said.exc_info
        *_, line = said.stderr.splitlines()
        assert reason in line
        assert "positions" in reason or str(model) in line


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
