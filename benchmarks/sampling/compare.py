"""Tokens per second of the `transformers` sampler against other ways to draw n samples a prompt.

    python benchmarks/sampling/compare.py runs/quickstart/stages/model-*/model

All ways draw the same number of samples from the same prompts of the witness world on the same
model, in turns within one process; the fastest of three turns counts. Prints tokens per second
and the ratio to one `generate` call per sample.
"""

from __future__ import annotations

import argparse
import time

import torch

from saysel import hf
from saysel.formats.sayself import SaySelfFormat
from saysel.records import ModelRef
from saysel.samplers.transformers import TransformersSampler
from saysel.sources.witness import WitnessSource

PROMPTS, N, TOKENS, TURNS = 64, 20, 32, 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    ref = ModelRef(parser.parse_args().model, dtype="float32")
    lm, tokenizer = hf.resident(ref)
    format = SaySelfFormat(instruction="")
    questions = list(WitnessSource(heldout=PROMPTS).questions("heldout"))
    prompts = [format.prompt(question) for question in questions]
    texts = [hf.render(tokenizer, prompt) for prompt in prompts]
    ends = sorted(hf.end_tokens(lm, tokenizer))

    def count(ids: torch.Tensor, start: int) -> int:
        """Generated tokens up to and with the first end token of each row."""
        new = ids[:, start:]
        ended = torch.isin(new, torch.tensor(ends)).int().cumsum(-1)
        return int((ended - torch.isin(new, torch.tensor(ends)).int() == 0).sum())

    def library(batch: int, copies: int, calls: int) -> int:
        total = 0
        for start in range(0, len(texts), batch):
            inputs = tokenizer(
                texts[start : start + batch],
                return_tensors="pt",
                padding=True,
                add_special_tokens=False,
                return_token_type_ids=False,
            )
            for _ in range(calls):
                with torch.inference_mode():
                    ids = lm.generate(
                        **inputs,
                        do_sample=True,
                        top_k=0,
                        max_new_tokens=TOKENS,
                        num_return_sequences=copies,
                        eos_token_id=ends,
                        pad_token_id=tokenizer.pad_token_id,
                    )
                total += count(ids, inputs["input_ids"].shape[1])
        return total

    def ours() -> int:
        sampler = TransformersSampler(max_tokens=TOKENS)
        return sum(g.tokens for samples in sampler.sample(ref, prompts, N, 0) for g in samples)

    ways = {
        "one generate call per sample": lambda: library(1, 1, N),
        "num_return_sequences, one prompt a batch": lambda: library(1, N, 1),
        "num_return_sequences, 16 prompts a batch": lambda: library(16, N, 1),
        "saysel": ours,
    }
    rates: dict[str, float] = dict.fromkeys(ways, 0.0)
    for _ in range(TURNS):
        for name, way in ways.items():
            began = time.perf_counter()
            tokens = way()
            rates[name] = max(rates[name], tokens / (time.perf_counter() - began))
    base = rates["one generate call per sample"]
    for name, rate in rates.items():
        print(f"{name:42} {rate:9,.0f} tokens/s  {rate / base:5.1f} x")


if __name__ == "__main__":
    main()
