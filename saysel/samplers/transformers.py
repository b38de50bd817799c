"""Sampling in this process, from any causal LM that transformers loads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import Field

from saysel import hf
from saysel.errors import StageError
from saysel.hf import memory
from saysel.hf.generation import Decoding, Reply, generate, logprobs
from saysel.interfaces import NotFingerprinted, Prompt, Sampler
from saysel.records import Generation, ModelRef


class TransformersSampler(Sampler):
    """Sample in this process with transformers.

    Prompts of similar length share a batch; each is read once, and its cache serves all of its
    samples. Where memory runs out, the batch is done in halves, and the batches to come are
    smaller.
    """

    max_tokens: int = Field(256, ge=1, description="a reply ends here at the latest")
    top_k: int = Field(0, ge=0, description="keep the k likeliest tokens; 0 keeps all")
    top_p: float = Field(1.0, gt=0, le=1, description="keep the likeliest tokens up to this mass")
    batch_size: NotFingerprinted[int] = Field(
        512, ge=1, description="replies generated side by side; halved where memory runs out"
    )

    def check_installed(self) -> None:
        hf.check_installed(self)

    def reply_limit(self) -> int:
        return self.max_tokens

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        import torch

        lm, tokenizer = hf.resident(model)
        ends = hf.end_tokens(lm, tokenizer)
        decoding = Decoding(self.temperature, self.max_tokens, self.top_k, self.top_p)
        ids = hf.encode(tokenizer, prompts)
        generator = torch.Generator(lm.device).manual_seed(seed)
        size, most = max(1, self.batch_size // n), n

        def halves(rows: Sequence[int], times: int) -> list[list[Reply]]:
            parts = draw(rows, times // 2), draw(rows, times - times // 2)
            return [[*first, *second] for first, second in zip(*parts, strict=True)]

        def draw(rows: Sequence[int], times: int) -> list[list[Reply]]:
            """So many replies to each prompt, in halves where memory runs out."""
            nonlocal size, most
            if times > most:
                return halves(rows, times)
            before = generator.get_state()
            try:
                asked = [ids[row] for row in rows]
                return generate(lm, tokenizer, asked, times, decoding, generator, ends)
            except (RuntimeError, MemoryError) as error:
                if not memory.ran_out(error):
                    raise
            memory.release()
            generator.set_state(before)
            if len(rows) > 1:
                size = len(rows) // 2  # for the batches to come too
                return draw(rows[:size], times) + draw(rows[len(rows) // 2 :], times)
            if times > 1:
                most = -(-times // 2)
                return halves(rows, times)
            raise _too_large(len(ids[rows[0]]))

        # Prompts of similar length share a batch; each waits until its turn comes in order.
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        finished: dict[int, list[Generation]] = {}
        upcoming = start = 0
        while start < len(order):
            rows = order[start : start + size]
            start += len(rows)
            replies = draw(rows, n)
            for row, samples in zip(rows, replies, strict=True):
                texts = hf.decode_replies(
                    tokenizer, [ids[row]] * len(samples), [reply.tokens for reply in samples]
                )
                finished[row] = [
                    Generation(text, len(reply.tokens), reply.logprob, reply.finish_reason)
                    for text, reply in zip(texts, samples, strict=True)
                ]
            while upcoming in finished:
                yield finished.pop(upcoming)
                upcoming += 1

    def gives_logprobs(self) -> bool:
        return True

    def logprobs(
        self, model: ModelRef, prompts: Sequence[Prompt], completions: Sequence[str]
    ) -> list[list[float]]:
        lm, tokenizer = hf.resident(model)
        asked = hf.encode(tokenizer, prompts)
        replies = hf.encode_replies(tokenizer, completions)
        found: list[list[float]] = [[] for _ in replies]
        # Replies of similar length share a batch, which has no more logits than one step of
        # sampling.
        order = sorted(range(len(replies)), key=lambda row: (len(replies[row]), len(asked[row])))
        most = self.batch_size
        while order:
            size = min(len(order), max(1, most // max(1, len(replies[order[-1]]))))
            rows = order[-size:]
            try:
                scores = logprobs(
                    lm, tokenizer, [asked[row] for row in rows], [replies[row] for row in rows]
                )
            except (RuntimeError, MemoryError) as error:
                if not memory.ran_out(error):
                    raise
                scores = None
            if scores is None:
                memory.release()
                if size == 1:
                    raise _too_large(len(asked[rows[0]]) + len(replies[rows[0]]))
                most = max(1, size // 2 * len(replies[order[-1]]))
                continue
            order = order[:-size]
            for row, score in zip(rows, scores, strict=True):
                found[row] = score
        return found


def _too_large(tokens: int) -> StageError:
    return StageError(
        f"memory runs out on a single prompt of {tokens} tokens: use a smaller model or dtype, "
        "quantization, shorter prompts, or a smaller max_tokens"
    )
