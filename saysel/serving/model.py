"""The served model: prompts in its format, replies in batches, and their confidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from saysel import hf
from saysel.estimators.expected import up_to_marker
from saysel.hf.expected_confidence import confidence_distributions, expected_confidence
from saysel.interfaces import Format, Parsed, Prompt
from saysel.records import Generation, Message, ModelRef, Question

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ServedReply:
    """A reply and what it says.

    Attributes:
        text: the whole reply.
        parsed: its parts.
        prompt_tokens, tokens: of the prompt and of the reply.
        cut: whether it reached the token limit.
        distribution: probability of every confidence that the format can state, at the place where
            the reply states one; empty without such a place.
    """

    text: str
    parsed: Parsed
    prompt_tokens: int
    tokens: int
    cut: bool
    distribution: Mapping[float, float] = field(default_factory=dict)

    @property
    def expected(self) -> float | None:
        """The mean of the distribution."""
        return expected_confidence(self.distribution) if self.distribution else None


@dataclass(frozen=True)
class Asked:
    """A prompt on its way to the model.

    Attributes:
        chat: the messages.
        tokens: the same as token ids.
    """

    chat: Prompt
    tokens: list[int]


class ServedModel:
    """A model in this process, asked in its format. Not thread-safe: one thread uses it."""

    def __init__(self, ref: ModelRef, format: Format) -> None:
        """Load the model.

        Raises:
            DataError: it cannot be loaded.
        """
        self.ref, self.format = ref, format
        self.lm, self.tokenizer = hf.resident(ref)
        self.ends = hf.end_tokens(self.lm, self.tokenizer)

    def generator(self, seed: int | None) -> torch.Generator:
        """A source of random draws; another one each time without a seed."""
        import torch

        generator = torch.Generator(self.lm.device)
        if seed is None:
            generator.seed()
            return generator
        return generator.manual_seed(seed)

    def prompt(self, messages: Sequence[Message], max_tokens: int) -> Asked:
        """A conversation whose last message is a question, put in the format.

        Args:
            max_tokens: maximum tokens of the reply.

        Raises:
            DataError: the chat template cannot write it, or prompt and reply are too long for the
                model.
        """
        *earlier, last = messages
        *before, asked = self.format.prompt(Question("request", last["content"], ("",)))
        chat = [*before, *earlier, asked]
        (tokens,) = hf.encode(self.tokenizer, [chat])
        hf.check_length(self.lm, len(tokens), max_tokens)
        return Asked(chat, tokens)

    def reply(
        self,
        prompts: Sequence[Asked],
        decoding: hf.Decoding,
        generator: torch.Generator,
        each_step: Callable[[list[int], list[int]], None],
    ) -> list[ServedReply]:
        """A reply to each prompt.

        Args:
            each_step: see `saysel.hf.generate`.

        Raises:
            StageError: the model computes NaN.
        """
        tokens = [prompt.tokens for prompt in prompts]
        samples = hf.generate(
            self.lm, self.tokenizer, tokens, 1, decoding, generator, self.ends, each_step
        )
        replies = [reply for (reply,) in samples]
        texts = self.texts(tokens, [reply.tokens for reply in replies], decoding.stop)
        return self._read(prompts, replies, texts)

    def texts(
        self, prompts: Sequence[list[int]], replies: Sequence[list[int]], stop: str | None
    ) -> list[str]:
        """The texts of replies, so far or complete, to prompts; both as token ids."""
        return hf.decode_replies(self.tokenizer, prompts, replies, stop)

    def stop(self, prompt: Asked) -> str | None:
        """Text that ends a reply, for models without a chat template."""
        return hf.end_of_turn(self.tokenizer, [prompt.chat])

    def _read(
        self, prompts: Sequence[Asked], replies: Sequence[hf.Reply], texts: Sequence[str]
    ) -> list[ServedReply]:
        """Parse the replies, and read the distribution where they state a confidence."""
        beginnings = {
            row: beginning
            for row, (reply, text) in enumerate(zip(replies, texts, strict=True))
            if (beginning := up_to_marker(self.format, generation(text, reply))) is not None
        }
        found = confidence_distributions(
            self.ref,
            self.format,
            [prompts[row].chat for row in beginnings],
            list(beginnings.values()),
        )
        distributions = dict(zip(beginnings, found, strict=True))
        return [
            ServedReply(
                text=text,
                parsed=self.format.parse(text, cut=reply.cut),
                prompt_tokens=len(prompt.tokens),
                tokens=len(reply.tokens),
                cut=reply.cut,
                distribution=distributions.get(row, {}),
            )
            for row, (prompt, reply, text) in enumerate(zip(prompts, replies, texts, strict=True))
        ]


def generation(text: str, reply: hf.Reply) -> Generation:
    """A reply as samplers return it."""
    return Generation(text, len(reply.tokens), finish_reason=reply.finish_reason)
