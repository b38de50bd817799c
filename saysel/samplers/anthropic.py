"""Sampling from Anthropic's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from saysel.costs.usage import Usage, read_usage
from saysel.interfaces import Prompt
from saysel.records import Generation
from saysel.samplers.remote.protocol import read_finish_reason, valid_unicode
from saysel.samplers.remote.sampler import RemoteSampler

DEFAULT_URL = "https://api.anthropic.com"
#: Version of the API, sent with every request.
API_VERSION = "2023-06-01"
#: Input tokens that `input_tokens` leaves out: those written to and read from a prompt cache.
CACHE_FIELDS = ("cache_creation_input_tokens", "cache_read_input_tokens")


class AnthropicSampler(RemoteSampler):
    """Sample from Anthropic's models.

    Each sample takes one request. The API has no seed and returns no log-probabilities.
    """

    api = "anthropic"
    sdk = "anthropic:AsyncAnthropic"
    default_url = DEFAULT_URL
    default_key_from = "ANTHROPIC_API_KEY"

    own_parameters = RemoteSampler.own_parameters | {"system"}

    temperature: float = Field(1.0, ge=0, le=1, description="0 decodes greedily")
    base_url: str = Field(DEFAULT_URL, description="URL of the server, without /v1")

    def headers(self, key: str | None) -> dict[str, str]:
        return {"anthropic-version": API_VERSION, **({"x-api-key": key} if key else {})}

    def url_advice(self) -> str:
        return "check that base_url is right, without /v1 at its end"

    def parameters(self) -> dict[str, Any]:
        # Newer models refuse these parameters, even with the API's own defaults.
        options = {"temperature": self.temperature, "top_p": self.top_p}
        not_default = {name: value for name, value in options.items() if value != 1}
        return {"max_tokens": self.max_tokens, "extra_body": {**not_default, **self.extra}}

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

    def read_usage(self, content: Mapping[str, Any]) -> Usage | None:
        return read_usage(content, "input_tokens", "output_tokens", cache_fields=CACHE_FIELDS)

    def read_samples(self, content: Mapping[str, Any], usage: Usage | None) -> list[Generation]:
        blocks = content.get("content")
        if not isinstance(blocks, list):
            return []
        texts = [
            block["text"]
            for block in blocks
            if isinstance(block, dict) and block.get("type") == "text"
            if isinstance(block.get("text"), str)
        ]
        reason = read_finish_reason(content.get("stop_reason"))
        if not texts and reason is None:  # an incomplete message
            return []
        tokens = usage.output_tokens if usage else 0
        return [Generation(valid_unicode("".join(texts)), tokens, None, reason)]
