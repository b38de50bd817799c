"""What goes into a language model and comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypedDict

#: The finish reason of a response that reached the token limit.
CUT = "length"


@dataclass(frozen=True)
class ModelRef:
    """A reference to a causal language model.

    Attributes:
        path: a directory or a hub id.
        revision: commit of the hub repository, for ids only.
        adapter: directory or hub id of a PEFT adapter on top of it.
        dtype: `float32`, `bfloat16`, `float16` or `auto`.
        attention: attention implementation of transformers; `None`: its default, or
            saysel's own for half precision on CPUs.
        device_map: how accelerate places the layers on devices; `None`: all on one.
        quantization: `8bit` or `4bit` weights of bitsandbytes; `None`: not quantized.
        gguf: name of the GGUF file with weights and tokenizer in `path`; `None`: other files.
    """

    path: str
    revision: str | None = None
    adapter: str | None = None
    dtype: str = "auto"
    attention: str | None = None
    device_map: str | None = None
    quantization: str | None = None
    gguf: str | None = None


class Message(TypedDict):
    """One turn of a chat, in the shape that every chat template takes."""

    role: Literal["system", "user", "assistant"]
    content: str


#: A chat up to the response.
Prompt = Sequence[Message]


class TokenChoice(NamedTuple):
    """A token that a model could write.

    Attributes:
        text: the token as text.
        logprob: its log-probability at temperature 1, in nats.
    """

    text: str
    logprob: float


@dataclass(frozen=True)
class Generation:
    """One sample that a sampler returns for a prompt.

    Attributes:
        text: the decoded response, without special tokens.
        tokens: number of generated tokens, including the end-of-text token.
        logprob: sum of the tokens' log-probabilities at temperature 1, in nats; `None` if unknown.
        finish_reason: why generation ended, as in the OpenAI API: `stop`, `length` (the token
            limit was reached), `content_filter`, `tool_calls` …; `None`: unknown.
        choices: for each generated token, that token and then the most likely ones at its place;
            `None` unless the sampler was asked for them.
    """

    text: str
    tokens: int
    logprob: float | None = None
    finish_reason: str | None = None
    choices: tuple[tuple[TokenChoice, ...], ...] | None = None

    @property
    def cut(self) -> bool:
        """Whether it ended at the token limit, so that its last word may be incomplete."""
        return self.finish_reason == CUT
