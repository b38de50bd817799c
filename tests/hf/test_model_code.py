"""A model that needs its own Python code is refused in one line; no code is run."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from saysel import hf
from saysel.errors import DataError
from saysel.hf import sentence_embeddings
from saysel.records import ModelRef
from tests.support.end_to_end import start_command

CODE = "raise SystemExit('the code of the model ran')\n"


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A model of a type that only its own code knows."""
    directory = tmp_path / "foreign"
    directory.mkdir()
    classes = ("AutoConfig", "AutoModel", "AutoModelForCausalLM")
    classes += ("AutoModelForSequenceClassification",)
    content = {"model_type": "foreign", "auto_map": {name: "foreign.Thing" for name in classes}}
    (directory / "config.json").write_text(json.dumps(content))
    (directory / "foreign.py").write_text(CODE)
    tokenizer = {"tokenizer_class": "Thing", "auto_map": {"AutoTokenizer": ["foreign.Thing", None]}}
    (directory / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    (directory / "tokenizer.json").write_text("{}")
    save_file({"weight": torch.zeros(1)}, directory / "model.safetensors")
    return directory


@pytest.mark.parametrize("load", [hf.load_model, hf.load_trainable, hf.load_tokenizer])
def test_code_of_a_model_is_not_run(load, foreign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("it asked"))

    with pytest.raises(DataError) as caught:
        load(ModelRef(str(foreign)))

    assert str(caught.value) == (
        f"{foreign}: cannot be loaded: it needs Python code that comes with it, and saysel runs "
        "none: choose a model that transformers loads by itself"
    )


def test_code_of_a_sentence_model_is_not_run(
    foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sentence_transformers")
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("it asked"))

    with pytest.raises(DataError, match="it needs Python code that comes with it"):
        sentence_embeddings.sentence_model(str(foreign), None)


def test_code_of_an_entailment_model_is_not_run(
    foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entailment = pytest.importorskip("saysel_nli.entailment")
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("it asked"))

    with pytest.raises(DataError, match="it needs Python code that comes with it"):
        entailment.load(str(foreign), None)


def test_a_model_that_transformers_knows_is_loaded_without_its_code(
    tiny_run: Path, tmp_path: Path
) -> None:
    (built,) = tiny_run.glob("stages/model-*")
    model = next(path.parent for path in built.rglob("config.json"))
    directory = shutil.copytree(model, tmp_path / "known")
    config = json.loads((directory / "config.json").read_text())
    config["auto_map"] = {"AutoModelForCausalLM": "foreign.Thing", "AutoConfig": "foreign.Thing"}
    (directory / "config.json").write_text(json.dumps(config))
    (directory / "foreign.py").write_text(CODE)

    assert hf.load_model(ModelRef(str(directory))).config.model_type == config["model_type"]
    assert "foreign" not in sys.modules


def test_ask_refuses_it_without_a_question(foreign: Path) -> None:
    process = start_command("ask", foreign, "Where is the lantern?")
    stdout, stderr = process.communicate(timeout=120)

    assert (process.returncode, stdout) == (2, "")
    assert "it needs Python code that comes with it" in stderr
    assert len(stderr.splitlines()) == 1
