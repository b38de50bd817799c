"""GGUF files load as ordinary models that can be trained, saved and exported."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch

from saysel import hf
from saysel.errors import MissingExtra
from saysel.models.pretrained import PretrainedModel
from saysel.records import ModelRef
from saysel.trainers.lora import Lora
from tests.support.end_to_end import invoke

ASKED = [{"role": "user", "content": "Nora says the globe is in the barn. Where is the globe?"}]


@pytest.fixture(scope="module")
def folder(small_model: ModelRef, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with `small.gguf`, which has the weights of `small_model`, and nothing else."""
    pytest.importorskip("gguf")
    from tests.support.gguf_file import write_gguf

    place = tmp_path_factory.mktemp("gguf")
    write_gguf(Path(small_model.path), place / "small.gguf")
    return place


def logits(ref: ModelRef) -> torch.Tensor:
    model, tokenizer = hf.resident(ref)
    with torch.no_grad():
        return model(torch.tensor(hf.encode(tokenizer, [ASKED]))).logits.float()


def test_a_gguf_file_is_the_model_it_was_made_from(small_model: ModelRef, folder: Path) -> None:
    ref = ModelRef(str(folder), gguf="small.gguf")

    assert torch.allclose(logits(ref), logits(small_model), atol=1e-4)
    assert PretrainedModel(path=str(folder), gguf="small.gguf")._ref() == ref
    assert PretrainedModel(path=str(folder / "small.gguf"))._ref() == ref
    assert hf.model_at(str(folder / "small.gguf")) == ref


def test_the_name_of_a_file_may_end_the_path_of_a_repository() -> None:
    assert hf.model_at("org/name/small.Q4_1.gguf") == ModelRef("org/name", gguf="small.Q4_1.gguf")
    assert hf.model_at("small.gguf") == ModelRef(".", gguf="small.gguf")


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_the_dtype_applies(dtype: str, folder: Path) -> None:
    model = hf.load_model(ModelRef(str(folder), dtype=dtype, gguf="small.gguf"))

    assert {str(weight.dtype) for weight in model.parameters()} == {f"torch.{dtype}"}


def test_all_weights_are_trained_and_saved_as_safetensors(folder: Path, tmp_path: Path) -> None:
    ref = ModelRef(str(folder), dtype="bfloat16", gguf="small.gguf")
    model = hf.load_trainable(ref)
    assert all(weight.requires_grad for weight in model.parameters())
    saved = hf.save_trained(model, hf.load_tokenizer(ref), ref, tmp_path / "model")

    assert saved == ModelRef(str(tmp_path / "model"), dtype="bfloat16")
    assert "quantization_config" not in (tmp_path / "model" / "config.json").read_text()
    assert torch.equal(logits(saved), logits(ref))


def test_an_adapter_on_it_loads_again(folder: Path, tmp_path: Path) -> None:
    ref = ModelRef(str(folder), gguf="small.gguf")
    torch.manual_seed(0)
    model = hf.load_trainable(ref, Lora(r=2, dropout=0).config())
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight)
    saved = hf.save_trained(model, hf.load_tokenizer(ref), ref, tmp_path / "model")

    assert saved == ModelRef(str(folder), adapter=str(tmp_path / "model"), gguf="small.gguf")
    assert not torch.allclose(logits(saved), logits(ref), atol=1e-2)
    settings = json.loads((tmp_path / "model" / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == str(folder)


def test_another_file_is_another_model(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "small.gguf", tmp_path / "a.gguf")
    before = PretrainedModel(path=str(tmp_path), gguf="a.gguf").digest()
    shutil.copy(folder / "small.gguf", tmp_path / "b.gguf")

    assert PretrainedModel(path=str(tmp_path), gguf="a.gguf").digest() == before
    with (tmp_path / "a.gguf").open("ab") as file:
        file.write(b"more")
    assert PretrainedModel(path=str(tmp_path), gguf="a.gguf").digest() != before
    hub = [PretrainedModel(path="org/name", gguf=name).digest() for name in ("a.gguf", "b.gguf")]
    assert hub[0] != hub[1]


def test_the_package_that_reads_it_is_an_extra(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)

    with pytest.raises(MissingExtra, match=r'pip install "saysel\[gguf\]"'):
        PretrainedModel(path=str(folder), gguf="small.gguf").check_installed()
    with pytest.raises(MissingExtra, match=r'pip install "saysel\[gguf\]"'):
        hf.load_tokenizer(ModelRef(str(folder), gguf="small.gguf"))


def test_it_is_asked(folder: Path) -> None:
    said = invoke("ask", folder / "small.gguf", "Where is the lantern?")

    assert (said.exit_code, said.stderr) == (0, ""), said.output
    assert said.stdout.startswith(("answer:", "no answer could be read"))
