"""Sampling from any server with OpenAI's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from saysel.costs.usage import Usage, read_usage
from saysel.interfaces import FingerprintedIfSet, NotFingerprinted, Prompt
from saysel.records import Generation, TokenChoice
from saysel.samplers.remote.api_key import header_from
from saysel.samplers.remote.protocol import SERVER_FAILED, read_finish_reason, valid_unicode
from saysel.samplers.remote.sampler import RemoteSampler
from saysel.samplers.remote.token_choices import is_logprob, read_choices

DEFAULT_URL = "https://api.openai.com/v1"
#: Headers that identify the account at OpenAI, and the environment variables with their content.
ACCOUNT_HEADERS = {"OpenAI-Organization": "OPENAI_ORG_ID", "OpenAI-Project": "OPENAI_PROJECT_ID"}
#: Parameters that can be sent under another name.
RENAMABLE_PARAMETERS = ("max_tokens", "temperature", "top_p", "seed")
#: Types of content parts that are text of the reply; others are reasoning, images, tool calls.
TEXT_PART_TYPES = ("text", "output_text")


class OpenAISampler(RemoteSampler):
    """Sample from any OpenAI-compatible server: OpenAI, vLLM, llama.cpp, transformers serve …

    One request asks for several samples. If the server returns fewer, the rest is requested again;
    if it returns a single one three times in a row, or refuses to return several, samples are
    requested one by one. Surplus samples are dropped. If the server reports the tokens of all
    samples together, they are divided evenly.

    Reasoning that a server returns next to the content is not part of a reply.

    `endpoint: completions` sends the contents of the turns, separated by blank lines, as plain
    text for the model to continue. Use it for base models.
    """

    api = "openai"
    sdk = "openai:AsyncOpenAI"
    default_url = DEFAULT_URL
    default_key_from = "OPENAI_API_KEY"
    parameter_advice = (
        "leave it out or rename it with send_as, such as {max_tokens: max_completion_tokens, "
        "seed: null}"
    )

    own_parameters = RemoteSampler.own_parameters | {
        *("prompt", "n", "best_of", "max_completion_tokens")
    }

    base_url: str = Field(DEFAULT_URL, description="URL of the server, including /v1")
    endpoint: Literal["chat", "completions"] = Field(
        "chat", description="send chat turns, or plain text for the model to continue"
    )
    with_logprobs: bool = Field(
        False, description="request log-probabilities; not every server returns them"
    )
    top_logprobs: FingerprintedIfSet[int] = Field(
        0,
        ge=0,
        le=20,
        description="most likely tokens to request at each place, with their log-probabilities; "
        "the estimator `expected` reads them",
    )
    max_per_request: NotFingerprinted[int] = Field(
        128, ge=1, description="maximum samples per request"
    )
    send_as: dict[str, str | None] = Field(
        default_factory=dict,
        description="names under which to send max_tokens, temperature, top_p or seed, where the "
        "server has other names; null: not sent",
    )

    @field_validator("send_as")
    @classmethod
    def _known_parameters(cls, names: dict[str, str | None]) -> dict[str, str | None]:
        unknown = sorted(set(names) - set(RENAMABLE_PARAMETERS))
        if unknown:
            raise ValueError(f"{unknown[0]} is not one of {', '.join(RENAMABLE_PARAMETERS)}")
        return names

    def gives_choices(self) -> bool:
        return self.top_logprobs > 0

    def reply_limit(self) -> int | None:
        return self.max_tokens if self.send_as.get("max_tokens", "") is not None else None

    def listed_tokens(self) -> int:
        return self.top_logprobs

    def choices_per_request(self) -> int:
        return self.max_per_request

    def headers(self, key: str | None) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        if self.at_default_url:
            account = {name: header_from(variable) for name, variable in ACCOUNT_HEADERS.items()}
            headers |= {name: value for name, value in account.items() if value}
        return headers

    def url_advice(self) -> str:
        if self.base_url.endswith("/v1"):
            return "check that base_url is right"
        root = self.base_url.partition("/v1")[0].removesuffix("/chat/completions")
        return f"check that base_url is right: it usually ends in /v1, as in {root}/v1"

    def parameters(self) -> dict[str, Any]:
        limit, options = "max_tokens", {"temperature": self.temperature, "top_p": self.top_p}
        if self.at_default_url and self.endpoint == "chat":
            # OpenAI's newer models refuse the old name, and any temperature, even 1. Most other
            # servers only know the old name, and have other defaults.
            limit = "max_completion_tokens"
            options = {name: value for name, value in options.items() if value != 1}
        names: dict[str, str | None] = {"max_tokens": limit, **self.send_as}
        values: dict[str, Any] = {"max_tokens": self.max_tokens, **options}
        named = {names.get(name, name): value for name, value in values.items()}
        sent: dict[str, Any] = {name: value for name, value in named.items() if name is not None}
        if self.with_logprobs or self.top_logprobs:
            sent["logprobs"] = True if self.endpoint == "chat" else self.top_logprobs
        if self.top_logprobs and self.endpoint == "chat":
            sent["top_logprobs"] = self.top_logprobs
        return {**sent, "extra_body": self.extra}

    def rendered(self, prompt: Prompt) -> Prompt | str:
        if self.endpoint == "chat":
            return prompt
        return "\n\n".join(message["content"] for message in prompt) + "\n\n"

    def request(self, model: str, prompt: Prompt, n: int, seed: int) -> tuple[str, dict[str, Any]]:
        parameters = self.parameters()
        extra = parameters.pop("extra_body")
        seed_name = self.send_as.get("seed", "seed")
        body: dict[str, Any] = {
            "model": model,
            **({} if seed_name is None else {seed_name: seed}),
            **parameters,
            **({"n": n} if n > 1 else {}),
            **extra,
        }
        if self.endpoint == "chat":
            return "/chat/completions", {"messages": list(prompt), **body}
        return "/completions", {"prompt": self.rendered(prompt), **body}

    def read_usage(self, content: Mapping[str, Any]) -> Usage | None:
        return read_usage(content, "prompt_tokens", "completion_tokens", total_field="total_tokens")

    def read_samples(self, content: Mapping[str, Any], usage: Usage | None) -> list[Generation]:
        choices = content.get("choices")
        choices = choices if isinstance(choices, list) else []
        shares = _split_evenly(usage.output_tokens if usage else 0, len(choices))
        samples = []
        for choice, share in zip(choices, shares, strict=True):
            text = self._text(choice)
            if text is not None:
                scores = self._logprobs(choice)
                tokens = len(scores) if scores else share
                reason = read_finish_reason(choice.get("finish_reason"))
                total = sum(scores) if scores else None
                choices = self._choices(choice)
                samples.append(Generation(valid_unicode(text), tokens, total, reason, choices))
        return samples

    def _text(self, choice: Any) -> str | None:
        """The text of a choice, empty if the model wrote none.

        A refusal counts as text if there is no other. `None` if the choice is malformed, or the
        server failed while it wrote it.
        """
        if not isinstance(choice, dict) or choice.get("error"):
            return None
        if read_finish_reason(choice.get("finish_reason")) in SERVER_FAILED:
            return None
        if self.endpoint == "completions":
            return choice["text"] if isinstance(choice.get("text"), str) else None
        message = choice.get("message")
        if not isinstance(message, dict):
            return None
        text = _joined(message.get("content"))
        refusal = message.get("refusal")
        return text or (refusal if isinstance(refusal, str) else text)

    def _logprobs(self, choice: Mapping[str, Any]) -> list[float] | None:
        """Log-probability of each token; `None` unless the server returns all of them."""
        given = choice.get("logprobs")
        if not (self.with_logprobs or self.top_logprobs) or not isinstance(given, dict):
            return None
        if self.endpoint == "completions":
            scores = given.get("token_logprobs")
        else:
            tokens = given.get("content")
            scores = [
                token.get("logprob") if isinstance(token, dict) else None
                for token in (tokens if isinstance(tokens, list) else [])
            ]
        if not isinstance(scores, list) or not scores or not all(map(is_logprob, scores)):
            return None
        return [float(score) for score in scores]

    def _choices(self, choice: Mapping[str, Any]) -> tuple[tuple[TokenChoice, ...], ...] | None:
        """The most likely tokens at each place; `None` unless requested and returned."""
        given = choice.get("logprobs")
        if not self.top_logprobs or not isinstance(given, dict):
            return None
        return read_choices(given, chat=self.endpoint == "chat")


def _joined(content: Any) -> str | None:
    """The text of a message's content or content parts; `None` if it is malformed."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        return None
    texts = [
        part if isinstance(part, str) else part.get("text")
        for part in content
        if isinstance(part, str) or (isinstance(part, dict) and part.get("type") in TEXT_PART_TYPES)
    ]
    return "".join(text for text in texts if isinstance(text, str))


def _split_evenly(total: int, parts: int) -> list[int]:
    """Whole numbers that add up to the total and differ by at most 1, the larger ones first."""
    share, rest = divmod(total, parts) if parts else (0, 0)
    return [share + (part < rest) for part in range(parts)]
