from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from saysel import hf
from saysel.errors import DataError, MissingExtra
from saysel.formats.sayself import SaySelfFormat
from saysel.models.pretrained import PretrainedModel
from saysel.records import ModelRef
from saysel.sources.witness import WitnessSource
from saysel.testing import Steps


def prepare(directory: Path, **options: Any) -> ModelRef:
    model = PretrainedModel(**options)
    return model.prepare(WitnessSource(), SaySelfFormat(), directory, 0, Steps())


def test_a_directory_is_taken_as_it_is(small_model: ModelRef, tmp_path: Path) -> None:
    assert prepare(tmp_path, path=small_model.path) == ModelRef(small_model.path)
    assert list(tmp_path.iterdir()) == []


def test_a_hub_id_is_left_to_the_hub(tmp_path: Path) -> None:
    ref = prepare(tmp_path, path="org/model", revision="abc", dtype="bfloat16")

    assert ref == ModelRef("org/model", "abc", None, "bfloat16")


def one_line(message: object) -> str:
    assert "\n" not in str(message)
    return str(message)


def test_what_is_no_model_directory_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"not a model directory, it has no config\.json") as caught:
        prepare(tmp_path, path=str(tmp_path))
    assert one_line(caught.value).startswith(str(tmp_path))


def test_what_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such model directory") as caught:
        prepare(tmp_path, path=str(tmp_path / "missing"))
    one_line(caught.value)


def test_an_adapter_must_be_one(small_model: ModelRef, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"not an adapter directory, it has no adapter_config"):
        prepare(tmp_path, path=small_model.path, adapter=str(tmp_path))


def test_a_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "model").touch()

    with pytest.raises(DataError, match="not a model directory"):
        prepare(tmp_path, path=str(tmp_path / "model"))


@pytest.mark.parametrize("content", ["{}", '{"model_type": "nobody"}'])
def test_a_broken_config_is_one_line_when_it_is_loaded(
    content: str, small_model: ModelRef, tmp_path: Path
) -> None:
    model = Path(shutil.copytree(small_model.path, tmp_path / "model"))
    (model / "config.json").write_text(content)

    with pytest.raises(DataError, match="cannot be loaded") as caught:
        hf.load_model(ModelRef(str(model)))
    one_line(caught.value)


def test_an_unreachable_hub_is_one_line_that_says_what_to_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    with pytest.raises(DataError, match=r"nothere: .*the hub cannot be reached: check") as caught:
        hf.load_model(ModelRef("nothere"))
    one_line(caught.value)


def test_an_empty_path_is_refused() -> None:
    with pytest.raises(ValidationError):
        PretrainedModel(path="")


def test_how_it_is_loaded_is_part_of_the_reference(tmp_path: Path) -> None:
    ref = prepare(
        tmp_path, path="org/model", attention="eager", device_map="auto", quantization="4bit"
    )

    assert (ref.attention, ref.device_map, ref.quantization) == ("eager", "auto", "4bit")


def test_quantization_without_its_extra_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)

    with pytest.raises(MissingExtra, match=r'pip install "saysel\[quantization\]"'):
        PretrainedModel(path="org/model", quantization="8bit").check_installed()
    PretrainedModel(path="org/model").check_installed()
