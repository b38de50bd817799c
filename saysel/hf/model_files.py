"""Whether local directories hold a model that can be loaded, found out without loading it.

Only names, sizes and headers are read, so that `saysel check` needs neither torch nor time.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from saysel.errors import DataError
from saysel.hf.gguf import MAGIC, SUFFIX
from saysel.records import ModelRef

#: What a hub id looks like.
HUB_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
#: What a file starts with that Git LFS has not fetched.
LFS_POINTER = b"version https://git-lfs"
#: The names of complete and of sharded weights, in the order in which transformers looks for them.
MODEL_WEIGHTS = (
    *("model.safetensors", "model.safetensors.index.json"),
    *("pytorch_model.bin", "pytorch_model.bin.index.json"),
)
ADAPTER_WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
TOKENIZER_FILES = ("tokenizer.json", "*.model", "vocab*", "*.tiktoken", "tekken.json")
#: Ends of the names of architectures that do not continue a text.
OTHER_TASKS = (
    *("ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering"),
    *("ForMultipleChoice", "ForMaskedLM", "ForRewardModel", "ForTextEncoding"),
)
COPY = "copy or download it again"


def is_local(path: str) -> bool:
    """Whether a path is one of this machine and no hub id."""
    return Path(path).exists() or HUB_ID.fullmatch(path) is None


def check_model_files(ref: ModelRef) -> None:
    """Check that the local files of a model and its adapter are complete, and of a causal LM.

    Raises:
        DataError: a directory, a configuration, weights or the tokenizer are missing, broken or
            of another kind of model. Hub ids are not checked.
    """
    if is_local(ref.path):
        folder = _directory(ref.path, "model")
        if ref.gguf is not None:
            _check_gguf(folder, ref.gguf)
        else:
            config = _settings(folder, "config.json", "model")
            check_architecture(ref.path, config)
            _check_weights(folder, _weight_names(config))
            _check_tokenizer(folder)
    if ref.adapter is not None and is_local(ref.adapter):
        folder = _directory(ref.adapter, "adapter")
        _settings(folder, "adapter_config.json", "adapter")
        _check_weights(folder, ADAPTER_WEIGHTS)


def check_architecture(path: str, config: dict[str, Any]) -> None:
    """Check that a model's configuration is one of a causal language model.

    Raises:
        DataError: it is an encoder-decoder, or a model for another task.
    """
    names = config.get("architectures") or []
    other = next((name for name in names if str(name).endswith(OTHER_TASKS)), None)
    kind = "an encoder-decoder" if config.get("is_encoder_decoder") is True else other
    if kind is not None:
        raise DataError(
            f"{path}: is {kind}, not a causal language model: use a model that continues a text "
            "(…ForCausalLM in its config.json)"
        )


def _directory(path: str, kind: str) -> Path:
    if not Path(path).exists():
        raise DataError(f"{path}: there is no such {kind} directory")
    return Path(path)


def _settings(folder: Path, name: str, kind: str) -> dict[str, Any]:
    """The content of the configuration file that marks a directory as a model's or an adapter's."""
    if not (folder / name).is_file():
        if name == "config.json" and (folder / "adapter_config.json").is_file():
            raise DataError(
                f"{folder}: contains an adapter and no {name}: set the model to the adapter's "
                "base, and the adapter to this directory"
            )
        files = _gguf_files(folder)
        if name == "config.json" and files:
            raise DataError(f"{folder}: has no {name}, but a GGUF file: set gguf: {files[0]}")
        raise DataError(
            f"{folder}: not {'an' if kind == 'adapter' else 'a'} {kind} directory, it has no "
            f"{name}: use a directory written by save_pretrained, or a hub id"
        )
    return _json(folder / name)


def _json(path: Path) -> dict[str, Any]:
    """The object in a JSON file."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict):
        raise DataError(f"{path}: is not a JSON object: {COPY}")
    return content


def _weight_names(config: dict[str, Any]) -> tuple[str, ...]:
    """The names that a model's weights may have; its configuration may name another."""
    named = config.get("transformers_weights")
    return (named,) if isinstance(named, str) else MODEL_WEIGHTS


def _check_weights(folder: Path, names: tuple[str, ...]) -> None:
    """Check the file that transformers would load, and the shards that it lists."""
    path = next((folder / name for name in names if (folder / name).is_file()), None)
    if path is None:
        expected = " or ".join(name for name in names if not name.endswith(".json"))
        raise DataError(
            f"{folder}: the directory has no weights ({expected}): copy all of the directory that "
            "save_pretrained wrote"
        )
    if path.suffix != ".json":
        _check_weight_file(path)
        return
    shards = _json(path).get("weight_map")
    for name in sorted(set(shards.values())) if isinstance(shards, dict) else ():
        if not (folder / name).is_file():
            raise DataError(f"{folder}: lacks {name}, which {path.name} lists: {COPY}")
        _check_weight_file(folder / name)


def _check_weight_file(path: Path) -> None:
    """Check that a file of weights is as long as its own header says."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(len(LFS_POINTER))
    if start == LFS_POINTER:
        raise DataError(f"{path}: is a pointer of Git LFS to the file: run 'git lfs pull'")
    if path.suffix == ".safetensors":
        whole = size == _safetensors_size(path)
    else:  # a zip file, or a pickle of old versions of torch, which does not say how long it is
        whole = size > 0 and (not start.startswith(b"PK") or zipfile.is_zipfile(path))
    if not whole:
        raise DataError(f"{path}: is incomplete ({size:,} bytes): {COPY}")


def _safetensors_size(path: Path) -> int | None:
    """The size in bytes that the header of a safetensors file gives; `None` if it is broken."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        try:
            header = json.loads(file.read(min(length, path.stat().st_size)))
            ends = [value["data_offsets"][1] for key, value in header.items() if key[:2] != "__"]
        except (ValueError, TypeError, LookupError, AttributeError):
            return None
    return 8 + length + int(max(ends, default=0))


def _check_tokenizer(folder: Path) -> None:
    files = [path for pattern in TOKENIZER_FILES for path in folder.glob(pattern)]
    if not files:
        raise DataError(
            f"{folder}: the directory has no tokenizer (tokenizer.json, tokenizer.model …): copy "
            "the tokenizer files of the model"
        )
    if not any(path.stat().st_size for path in files):
        raise DataError(f"{files[0]}: is empty: {COPY}")


def _check_gguf(folder: Path, name: str) -> None:
    path = folder / name
    if not path.is_file():
        others = ", ".join(_gguf_files(folder))
        raise DataError(
            f"{folder}: has no file {name}" + (f"; its GGUF files are {others}" if others else "")
        )
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise DataError(f"{path}: is not a GGUF file: {COPY}")


def _gguf_files(folder: Path) -> list[str]:
    files: Iterator[Path] = folder.iterdir() if folder.is_dir() else iter(())
    return sorted(path.name for path in files if path.suffix.lower() == SUFFIX)
