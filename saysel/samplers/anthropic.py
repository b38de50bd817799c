"""Sampling from Anthropic's API."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from saysel.interfaces import Prompt, Throughput
from saysel.records import Generation
from saysel.remote import RemoteSampler, Usage, written

HOME = "https://api.anthropic.com"


class AnthropicSampler(RemoteSampler):
    """Sample from Anthropic's models.

    Every sample is a request of its own. The API takes no seed and gives no log-probabilities.
    """

    package = "anthropic"
    home = HOME
    most = 1

    temperature: float = Field(1.0, ge=0, le=1, description="0 decodes greedily")
    base_url: str = Field(HOME, description="address of the server")
    key_from: Throughput[str] = Field(
        "ANTHROPIC_API_KEY",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="environment variable that holds the key",
    )

    def client(self, **options: Any) -> Any:
        from anthropic import AsyncAnthropic

        return AsyncAnthropic(**options)

    def parameters(self) -> dict[str, Any]:
        # Beside `max_tokens` only what differs from the API's defaults: newer models refuse the
        # others, and the SDK no longer knows them by name.
        cuts = {"temperature": self.temperature, "top_p": self.top_p}
        chosen = {name: value for name, value in cuts.items() if value != 1}
        return {"max_tokens": self.max_tokens, "extra_body": {**chosen, **self.extra}}

    async def request(self, client: Any, model: str, prompt: Prompt, n: int, seed: int) -> Any:
        system = "\n\n".join(one["content"] for one in prompt if one["role"] == "system")
        turns = [one for one in prompt if one["role"] != "system"]
        asked = {**self.parameters(), **({"system": system} if system else {})}
        return await client.messages.create(model=model, messages=turns, **asked)

    def usage(self, whole: Any) -> Usage | None:
        return Usage(whole.usage.input_tokens, whole.usage.output_tokens)

    def read(self, whole: Any, usage: Usage | None) -> list[Generation]:
        text = "".join(block.text for block in whole.content if block.type == "text")
        return [Generation(written(text), usage.output if usage else 0)]
