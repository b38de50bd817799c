"""Sampling in this process, from any causal LM that transformers loads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import Field

from saysel import hf
from saysel.generation import Decoding, generate
from saysel.interfaces import Prompt, Sampler, Throughput
from saysel.records import Generation, ModelRef


class TransformersSampler(Sampler):
    """Sample in this process with transformers."""

    max_tokens: int = Field(256, ge=1, description="a reply ends here at the latest")
    top_k: int = Field(0, ge=0, description="keep the k likeliest tokens; 0 keeps all")
    top_p: float = Field(1.0, gt=0, le=1, description="keep the likeliest tokens up to this mass")
    batch_size: Throughput[int] = Field(512, ge=1, description="replies generated side by side")

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        import torch

        lm, tokenizer = hf.resident(model)
        ends = hf.end_tokens(lm, tokenizer)
        decoding = Decoding(self.temperature, self.max_tokens, self.top_k, self.top_p)
        ids = hf.encode(tokenizer, prompts)
        generator = torch.Generator(lm.device).manual_seed(seed)
        size = max(1, self.batch_size // n)
        # Prompts of similar length share a batch; each waits until its turn comes in order.
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        finished: dict[int, list[Generation]] = {}
        upcoming = 0
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            replies = generate(
                lm, tokenizer, [ids[row] for row in rows], n, decoding, generator, ends
            )
            for row, samples in zip(rows, replies, strict=True):
                texts = tokenizer.batch_decode(
                    [reply.tokens for reply in samples], skip_special_tokens=True
                )
                finished[row] = [
                    Generation(text, len(reply.tokens), reply.logprob)
                    for text, reply in zip(texts, samples, strict=True)
                ]
            while upcoming in finished:
                yield finished.pop(upcoming)
                upcoming += 1
