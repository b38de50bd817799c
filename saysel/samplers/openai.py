"""Sampling from any server that speaks OpenAI's API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from saysel.interfaces import Prompt, Throughput
from saysel.records import Generation
from saysel.remote import RemoteSampler, Usage, spread, written

HOME = "https://api.openai.com/v1"


class OpenAISampler(RemoteSampler):
    """Sample from any OpenAI-compatible server: OpenAI, vLLM, llama.cpp, transformers serve …

    Several samples are asked for in one request. A server that sends fewer choices than asked is
    asked for the rest, and one by one once it has sent a single choice three times in a row; what
    it sends too many is left out. A server that counts the tokens of all choices together has them
    shared out evenly.

    `endpoint: completions` sends the contents of the turns, separated by blank lines, to be
    continued: for base models.
    """

    package = "openai"
    home = HOME
    most = 128

    base_url: str = Field(HOME, description="address of the server, up to and with /v1")
    key_from: Throughput[str] = Field(
        "OPENAI_API_KEY",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="environment variable that holds the key; other servers may do without",
    )
    endpoint: Literal["chat", "completions"] = Field(
        "chat", description="chat turns, or plain text to be continued"
    )
    with_logprobs: bool = Field(
        False, description="ask for log-probabilities; not every server gives them"
    )

    def client(self, **options: Any) -> Any:
        from openai import AsyncOpenAI

        return AsyncOpenAI(**options)

    def parameters(self) -> dict[str, Any]:
        limit, cuts = "max_tokens", {"temperature": self.temperature, "top_p": self.top_p}
        if self.base_url == HOME and self.endpoint == "chat":
            # OpenAI's newer models refuse the old name, and temperatures even where they are 1.
            # Most other servers know only the old name, and have defaults of their own.
            limit = "max_completion_tokens"
            cuts = {name: value for name, value in cuts.items() if value != 1}
        asked: dict[str, Any] = {limit: self.max_tokens, **cuts}
        if self.with_logprobs:
            asked["logprobs"] = True if self.endpoint == "chat" else 0
        return {**asked, "extra_body": self.extra}

    def sent(self, prompt: Prompt) -> Prompt | str:
        if self.endpoint == "chat":
            return prompt
        return "\n\n".join(message["content"] for message in prompt) + "\n\n"

    async def request(self, client: Any, model: str, prompt: Prompt, n: int, seed: int) -> Any:
        asked = {"model": model, "seed": seed, **self.parameters(), **({"n": n} if n > 1 else {})}
        if self.endpoint == "chat":
            return await client.chat.completions.create(messages=list(prompt), **asked)
        return await client.completions.create(prompt=self.sent(prompt), **asked)

    def usage(self, whole: Any) -> Usage | None:
        counted = whole.usage
        return counted and Usage(counted.prompt_tokens, counted.completion_tokens)

    def read(self, whole: Any, usage: Usage | None) -> list[Generation]:
        chat = self.endpoint == "chat"
        texts = [_said(choice.message) if chat else choice.text for choice in whole.choices]
        scores = [self._scores(choice) for choice in whole.choices]
        shares = spread(usage.output if usage else 0, len(texts))
        return [
            Generation(written(text), len(score) if score else share, _sum(score))
            for text, score, share in zip(texts, scores, shares, strict=True)
        ]

    def _scores(self, choice: Any) -> list[float] | None:
        """Log-probability of each token, where the server tells."""
        if not self.with_logprobs or choice.logprobs is None:
            return None
        if self.endpoint == "completions":
            return choice.logprobs.token_logprobs or None
        return [token.logprob for token in choice.logprobs.content or ()] or None


def _said(message: Any) -> str:
    """The text of a choice; that of a refusal, or none, where the model says nothing else."""
    return message.content or getattr(message, "refusal", None) or ""


def _sum(scores: Sequence[float] | None) -> float | None:
    return sum(scores) if scores else None
