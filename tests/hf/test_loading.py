from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from transformers import TrainingArguments

from saysel import hf
from saysel.errors import MissingExtra
from saysel.hf import grpo
from saysel.records import ModelRef


@pytest.mark.parametrize("made", [TrainingArguments, hf.sft_config, grpo.grpo_config])
def test_a_step_is_one_batch_however_many_accelerators_there_are(made: Any, tmp_path: Path) -> None:
    sizes = {"num_generations": 4} if made is grpo.grpo_config else {}
    options = hf.training_arguments(tmp_path, per_device_train_batch_size=4, **sizes)
    config = made(**options)
    if made is TrainingArguments:
        config._n_gpu = 2  # as it counts them on a machine with two
        assert config.train_batch_size == 8
        config = hf.on_one_device(config)

    assert (config.n_gpu, config.train_batch_size) == (1, 4)


@pytest.mark.parametrize("library", ["torch", "transformers", "datasets"])
def test_a_missing_library_names_its_extra(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)  # as if it were not installed

    with pytest.raises(MissingExtra, match=rf"'{library}'.*pip install \"saysel\[train\]\""):
        hf.load_tokenizer(ModelRef("org/model"))
