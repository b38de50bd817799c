"""The output layer is not copied for every row; measured in a separate process, as peaks stay."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model

from saysel import hf
from saysel.records import ModelRef

ROWS, VOCABULARY = 1024, 60_000

MEASURE = f"""
import resource, sys

import torch

from saysel import hf
from saysel.records import ModelRef


def peak():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


base, adapter = sys.argv[1:]
model = hf.load_model(ModelRef(base, adapter=adapter, dtype="bfloat16"))
tokens = torch.randint(0, 100, ({ROWS}, 4))
with torch.inference_mode():
    model(input_ids=tokens[:1], logits_to_keep=1)
    before = peak()
    model(input_ids=tokens, logits_to_keep=1)
print(peak() - before)
"""


def test_the_last_position_is_read_without_copies_of_the_output_layer(
    small_model: ModelRef, tmp_path: Path
) -> None:
    base, adapter = str(tmp_path / "base"), str(tmp_path / "adapter")
    model = hf.load_model(small_model).to(torch.bfloat16)
    model.resize_token_embeddings(VOCABULARY)
    model.save_pretrained(base)
    hf.load_tokenizer(small_model).save_pretrained(base)
    get_peft_model(model, LoraConfig(r=2)).save_pretrained(adapter, save_embedding_layers=False)

    done = subprocess.run(
        [sys.executable, "-c", MEASURE, base, adapter], capture_output=True, text=True, check=True
    )

    copies = ROWS * model.config.hidden_size * VOCABULARY * 2  # bytes
    assert int(done.stdout) < copies / 4
