"""Sampling from Anthropic's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from saysel.costs.usage import Usage, read_usage
from saysel.interfaces import Prompt
from saysel.records import Generation
from saysel.samplers.remote.protocol import finish_reason_of, well_formed
from saysel.samplers.remote.sampler import RemoteSampler

DEFAULT_URL = "https://api.anthropic.com"
#: Version of the API, which every request names.
VERSION = "2023-06-01"


class AnthropicSampler(RemoteSampler):
    """Sample from Anthropic's models.

    Every sample is a request of its own. The API takes no seed and gives no log-probabilities.
    """

    api = "anthropic"
    sdk = "anthropic:AsyncAnthropic"
    default_url = DEFAULT_URL
    default_key_from = "ANTHROPIC_API_KEY"

    temperature: float = Field(1.0, ge=0, le=1, description="0 decodes greedily")
    base_url: str = Field(DEFAULT_URL, description="address of the server, without /v1")

    def headers(self, key: str | None) -> dict[str, str]:
        return {"anthropic-version": VERSION, **({"x-api-key": key} if key else {})}

    def address_advice(self) -> str:
        return "check that base_url is right, which is the address without /v1"

    def parameters(self) -> dict[str, Any]:
        # Beside `max_tokens` only what differs from the API's defaults: newer models refuse the
        # others.
        options = {"temperature": self.temperature, "top_p": self.top_p}
        chosen = {name: value for name, value in options.items() if value != 1}
        return {"max_tokens": self.max_tokens, "extra_body": {**chosen, **self.extra}}

    def request(self, model: str, prompt: Prompt, n: int, seed: int) -> tuple[str, dict[str, Any]]:
        system = "\n\n".join(turn["content"] for turn in prompt if turn["role"] == "system")
        body: dict[str, Any] = {
            "model": model,
            "messages": [turn for turn in prompt if turn["role"] != "system"],
            **({"system": system} if system else {}),
            "max_tokens": self.max_tokens,
            **self.parameters()["extra_body"],
        }
        return "/v1/messages", body

    def usage(self, content: Mapping[str, Any]) -> Usage | None:
        return read_usage(content, "input_tokens", "output_tokens")

    def read(self, content: Mapping[str, Any], usage: Usage | None) -> list[Generation]:
        blocks = content.get("content")
        if not isinstance(blocks, list):
            return []
        texts = [
            block["text"]
            for block in blocks
            if isinstance(block, dict) and block.get("type") == "text"
            if isinstance(block.get("text"), str)
        ]
        reason = finish_reason_of(content.get("stop_reason"))
        if not texts and reason is None:  # half a message
            return []
        tokens = usage.output_tokens if usage else 0
        return [Generation(well_formed("".join(texts)), tokens, None, reason)]
