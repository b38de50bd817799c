"""Samples in this process, from any causal LM that transformers loads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import Field

from saysel import hf
from saysel.errors import StageError
from saysel.hf import memory
from saysel.interfaces import NotFingerprinted, Prompt, Sampler
from saysel.records import Generation, ModelRef

if TYPE_CHECKING:
    import torch

#: Tokens, prompts included, of the texts whose log-probabilities one forward pass computes.
TOKENS_PER_BATCH = 2**15


class TransformersSampler(Sampler):
    """Sample in this process with transformers.

    Prompts of similar length share a batch; each is read once, and its cache serves all of its
    samples. If memory runs out, the batch is halved, and so are the batches after it.
    """

    max_tokens: int = Field(256, ge=1, description="maximum tokens of a reply")
    top_k: int = Field(0, ge=0, description="sample from the k most likely tokens; 0: from all")
    top_p: float = Field(
        1.0, gt=0, le=1, description="sample from the most likely tokens up to this probability"
    )
    batch_size: NotFingerprinted[int] = Field(
        512, ge=1, description="replies generated side by side; halved if memory runs out"
    )

    def check_installed(self) -> None:
        hf.check_installed(self)

    def reply_limit(self) -> int:
        return self.max_tokens

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        """See the interface.

        Raises:
            DataError: the model cannot be loaded, or a prompt is too long for it.
            StageError: memory runs out on a single prompt, or the model computes NaN.
        """
        import torch

        lm, tokenizer = hf.resident(model)
        ids = hf.encode(tokenizer, prompts)
        generator = torch.Generator(lm.device).manual_seed(seed)
        stop = hf.end_of_turn(tokenizer, prompts)
        decoding = hf.Decoding(self.temperature, self.max_tokens, self.top_k, self.top_p, stop=stop)
        halving = _HalvingGenerator(lm, tokenizer, decoding, generator, self.batch_size, n)
        # Prompts of similar length share a batch; each result waits for its turn in the order.
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        finished: dict[int, list[Generation]] = {}
        upcoming = start = 0
        while start < len(order):
            rows = order[start : start + halving.prompts_per_batch]
            start += len(rows)
            replies = halving.generate([ids[row] for row in rows], n)
            for row, samples in zip(rows, replies, strict=True):
                finished[row] = _generations(tokenizer, ids[row], samples, stop)
            while upcoming in finished:
                yield finished.pop(upcoming)
                upcoming += 1

    def gives_logprobs(self) -> bool:
        return True

    def logprobs(
        self, model: ModelRef, prompts: Sequence[Prompt], completions: Sequence[str]
    ) -> list[list[float]]:
        """See the interface.

        Raises:
            StageError: memory runs out on a single prompt.
        """
        lm, tokenizer = hf.resident(model)
        prompt_ids = hf.encode(tokenizer, prompts, completions)
        reply_ids = hf.encode_replies(tokenizer, completions)
        texts = [[*prompt, *reply] for prompt, reply in zip(prompt_ids, reply_ids, strict=True)]
        logprobs: list[list[float]] = [[] for _ in texts]
        # Texts of similar length share a batch, those with the same beginning side by side.
        order = sorted(range(len(texts)), key=lambda row: (len(prompt_ids[row]), texts[row]))
        rows_per_batch = self.batch_size
        while order:
            longest = max(len(texts[row]) for row in order[-rows_per_batch:])
            rows = order[-max(1, min(rows_per_batch, TOKENS_PER_BATCH // max(1, longest))) :]
            batch = [prompt_ids[row] for row in rows], [reply_ids[row] for row in rows]
            values = memory.attempt(partial(hf.reply_logprobs, lm, tokenizer, *batch))
            if values is not None:
                order = order[: -len(rows)]
                for row, tokens in zip(rows, values, strict=True):
                    logprobs[row] = tokens
            elif len(rows) == 1:
                raise _too_large(len(texts[rows[0]]))
            else:
                rows_per_batch = len(rows) // 2
        return logprobs


class _HalvingGenerator:
    """Generates replies in batches that are halved whenever memory runs out.

    Attributes:
        prompts_per_batch: how many prompts the next batch should have.
    """

    def __init__(
        self,
        lm: Any,
        tokenizer: Any,
        decoding: hf.Decoding,
        generator: torch.Generator,
        batch_size: int,
        n: int,
    ) -> None:
        """
        Args:
            batch_size: replies per batch.
            n: replies per prompt.
        """
        self.lm, self.tokenizer = lm, tokenizer
        self.decoding = decoding
        self.generator = generator
        self.ends = hf.end_tokens(lm, tokenizer)
        self.prompts_per_batch = max(1, batch_size // n)
        self.replies_per_prompt = n  # in one pass

    def generate(self, prompts: Sequence[list[int]], n: int) -> list[list[hf.Reply]]:
        """n replies to each prompt (token ids).

        Raises:
            StageError: memory runs out on a single reply to a single prompt.
        """
        if n > self.replies_per_prompt:
            return self._in_two_passes(prompts, n)
        state = self.generator.get_state()
        replies = memory.attempt(
            lambda: hf.generate(
                self.lm, self.tokenizer, prompts, n, self.decoding, self.generator, self.ends
            )
        )
        if replies is not None:
            return replies
        self.generator.set_state(state)
        if len(prompts) > 1:
            half = self.prompts_per_batch = len(prompts) // 2
            return self.generate(prompts[:half], n) + self.generate(prompts[half:], n)
        if n > 1:
            self.replies_per_prompt = -(-n // 2)
            return self._in_two_passes(prompts, n)
        raise _too_large(len(prompts[0]))

    def _in_two_passes(self, prompts: Sequence[list[int]], n: int) -> list[list[hf.Reply]]:
        first, second = self.generate(prompts, n // 2), self.generate(prompts, n - n // 2)
        return [[*a, *b] for a, b in zip(first, second, strict=True)]


def _generations(
    tokenizer: Any, prompt: Sequence[int], replies: Sequence[hf.Reply], stop: str | None
) -> list[Generation]:
    """The replies to a prompt (token ids) as records."""
    texts = hf.decode_replies(
        tokenizer, [prompt] * len(replies), [reply.tokens for reply in replies], stop
    )
    return [
        Generation(text, len(reply.tokens), reply.logprob, reply.finish_reason)
        for text, reply in zip(texts, replies, strict=True)
    ]


def _too_large(tokens: int) -> StageError:
    return StageError(
        f"memory runs out on a single prompt of {tokens} tokens: use a smaller model or dtype, "
        "quantization, shorter prompts, or a smaller max_tokens"
    )
