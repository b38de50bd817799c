"""Directories that hold no loadable model: one line at `check`, before any work, and at `ask`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from saysel import hf
from saysel.errors import DataError
from saysel.records import ModelRef
from saysel.trainers.lora import Lora
from tests.support.end_to_end import invoke

Change = Callable[[Path], object]
WEIGHTS = "model.safetensors"


def nothing(model: Path) -> None:
    shutil.rmtree(model)


def empty(model: Path) -> None:
    nothing(model)
    model.mkdir()


def without(name: str) -> Change:
    return lambda model: (model / name).unlink()


def written(name: str, content: bytes) -> Change:
    return lambda model: (model / name).write_bytes(content)


def cut(name: str) -> Change:
    return lambda model: (model / name).write_bytes((model / name).read_bytes()[:-9])


def configured(**changes: object) -> Change:
    def change(model: Path) -> None:
        config = json.loads((model / "config.json").read_text())
        (model / "config.json").write_text(json.dumps({**config, **changes}))

    return change


def sharded(*missing: str) -> Change:
    """Split the weights into a shard for each, and remove some shards."""

    def shard(model: Path) -> None:
        names = {}
        for number, (name, weight) in enumerate(load_file(model / WEIGHTS).items()):
            names[name] = f"model-{number}.safetensors"
            save_file({name: weight}, model / names[name], {"format": "pt"})
        index = {"metadata": {}, "weight_map": names}
        (model / f"{WEIGHTS}.index.json").write_text(json.dumps(index))
        for name in (WEIGHTS, *missing):
            (model / name).unlink()

    return shard


def an_adapter(model: Path) -> None:
    (model / "config.json").rename(model / "adapter_config.json")


def only_a_gguf_file(model: Path) -> None:
    empty(model)
    (model / "small.Q4_1.gguf").write_bytes(b"GGUF")


FAULTS: dict[str, tuple[Change, str]] = {
    "no directory": (nothing, "there is no such model directory"),
    "empty directory": (empty, "not a model directory, it has no config.json"),
    "GGUF": (only_a_gguf_file, "has no config.json, but a GGUF file: set gguf: small.Q4_1.gguf"),
    "adapter": (an_adapter, "contains an adapter and no config.json: set the model to the"),
    "broken config": (written("config.json", b"{"), "is not a JSON object"),
    "no object": (written("config.json", b"[]"), "is not a JSON object"),
    "no weights": (without(WEIGHTS), "the directory has no weights"),
    "empty weights": (written(WEIGHTS, b""), "is incomplete (0 bytes)"),
    "cut weights": (cut(WEIGHTS), "is incomplete ("),
    "no safetensors": (written(WEIGHTS, b"<html>not found</html>"), "is incomplete (22 bytes)"),
    "LFS pointer": (
        written(WEIGHTS, b"version https://git-lfs.github.com/spec/v1\noid sha256:0"),
        "is a pointer of Git LFS to the file: run 'git lfs pull'",
    ),
    "missing shard": (sharded("model-1.safetensors"), "lacks model-1.safetensors, which"),
    "no tokenizer": (without("tokenizer.json"), "the directory has no tokenizer"),
    "empty tokenizer": (written("tokenizer.json", b""), "is empty"),
    "encoder-decoder": (configured(is_encoder_decoder=True), "is an encoder-decoder, not a causal"),
    "classifier": (
        configured(architectures=["LlamaForSequenceClassification"]),
        "is LlamaForSequenceClassification, not a causal language model",
    ),
}


def recipe(model: Path, folder: Path) -> Path:
    path = folder / "mine.yaml"
    path.write_text(f"{{model: {{use: pretrained, path: {model}}}, source: witness}}")
    return path


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        (command, fault)
        for command, fault in product(("check", "run", "ask"), FAULTS)
        if (command, fault) != ("ask", "adapter")  # an adapter can be asked
    ],
)
def test_a_directory_without_a_loadable_model_is_one_line(
    command: str, fault: str, small_model: ModelRef, tmp_path: Path
) -> None:
    change, reason = FAULTS[fault]
    model = Path(shutil.copytree(small_model.path, tmp_path / "model"))
    change(model)
    if command == "ask":
        reason = "no such model" if fault == "no directory" else reason
        arguments: tuple[str | Path, ...] = (model, "Where is the lantern?")
    else:
        out = ("--out", tmp_path / "run") if command == "run" else ()
        arguments = (recipe(model, tmp_path), *out)

    said = invoke(command, *arguments)

    assert (said.exit_code, said.stdout) == (2, "")
    (line,) = said.stderr.splitlines()
    assert line.startswith(str(model)) and reason in line
    assert not list(tmp_path.glob("run/[!.]*"))


def test_shards_and_files_of_torch_are_weights(small_model: ModelRef, tmp_path: Path) -> None:
    for name in ("shards", "torch"):
        shutil.copytree(small_model.path, tmp_path / name)
    sharded()(tmp_path / "shards")
    torch.save(load_file(tmp_path / "torch" / WEIGHTS), tmp_path / "torch" / "pytorch_model.bin")
    (tmp_path / "torch" / WEIGHTS).unlink()

    for name in ("shards", "torch"):
        hf.check_model_files(ModelRef(str(tmp_path / name)))
    cut("pytorch_model.bin")(tmp_path / "torch")
    with pytest.raises(DataError, match=r"pytorch_model\.bin: is incomplete"):
        hf.check_model_files(ModelRef(str(tmp_path / "torch")))


def test_an_adapter_is_checked_too(small_model: ModelRef, tmp_path: Path) -> None:
    model = hf.load_trainable(small_model, Lora(r=2).config())
    ref = hf.save_trained(model, hf.load_tokenizer(small_model), small_model, tmp_path / "adapter")
    hf.check_model_files(ref)

    cut("adapter_model.safetensors")(tmp_path / "adapter")
    with pytest.raises(DataError, match=r"adapter_model\.safetensors: is incomplete"):
        hf.check_model_files(ref)
    without("adapter_model.safetensors")(tmp_path / "adapter")
    with pytest.raises(DataError, match="no weights"):
        hf.check_model_files(ref)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "has no file b.gguf; its GGUF files are a.gguf"), (b"<", "is no")],
)
def test_a_gguf_file_is_checked(content: bytes | None, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    if content is not None:
        (tmp_path / "b.gguf").write_bytes(content)

    with pytest.raises(DataError, match=reason):
        hf.check_model_files(ModelRef(str(tmp_path), gguf="b.gguf"))


@pytest.mark.parametrize("path", ["./models/mine", "~/mine", "models/org/mine", "/models/mine"])
def test_what_can_be_no_hub_id_is_a_path(path: str) -> None:
    assert hf.is_local(path)
    with pytest.raises(DataError, match="there is no such model directory"):
        hf.check_model_files(ModelRef(path))


def test_hub_ids_are_left_to_the_hub() -> None:
    for path in ("gpt2", "Qwen/Qwen2.5-0.5B-Instruct", "org/name_1.0"):
        assert not hf.is_local(path)
        hf.check_model_files(ModelRef(path, adapter="org/adapter"))
