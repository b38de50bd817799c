"""Requests for chat completions, as clients of the OpenAI API send them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from typing_extensions import Self

from saysel.records import Message
from saysel.storage import encodable

#: What changes the meaning of a reply and is not supported, with the values that ask for nothing.
UNSUPPORTED: dict[str, tuple[Any, ...]] = {
    "tools": (None, []),
    "functions": (None, []),
    "response_format": (None, {"type": "text"}),
    "logprobs": (None, False),
    "stop": (None, [], ""),
    "logit_bias": (None, {}),
    "frequency_penalty": (None, 0),
    "presence_penalty": (None, 0),
}


class TextPart(BaseModel):
    """A part of a message that is given in parts."""

    type: Literal["text"]
    text: str


class ChatMessage(BaseModel):
    """One turn of the conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]

    def as_message(self) -> Message:
        """The turn as chat templates take it; `developer` is the newer name of `system`."""
        role = "system" if self.role == "developer" else self.role
        return {"role": role, "content": self.text()}

    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content)


class StreamOptions(BaseModel):
    """What a stream contains in addition to the reply."""

    include_usage: bool = False


class Extension(BaseModel):
    """What a client may ask of saysel in particular (`extra_body={"saysel": …}`)."""

    model_config = ConfigDict(extra="forbid")

    risk: float | None = Field(None, gt=0, lt=1)


class ChatRequest(BaseModel):
    """The body of `POST /v1/chat/completions`.

    Unknown fields are ignored, as clients send many that do not change the reply. The last message
    is the question.
    """

    model_config = ConfigDict(extra="allow")

    model: str
    messages: list[ChatMessage] = Field(min_length=1)
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    n: Annotated[int, Field(ge=1, le=16)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    saysel: Extension = Extension()

    @field_validator("messages")
    @classmethod
    def _are_text_and_end_with_a_question(cls, messages: list[ChatMessage]) -> list[ChatMessage]:
        if not all(encodable(message.text()) == message.text() for message in messages):
            raise ValueError("half of a surrogate pair is not text")
        if messages[-1].role != "user" or not messages[-1].text().strip():
            raise ValueError("the last message must be the user's and not be empty")
        return messages

    @model_validator(mode="after")
    def _asks_for_nothing_else(self) -> Self:
        for name, value in (self.model_extra or {}).items():
            if name in UNSUPPORTED and value not in UNSUPPORTED[name]:
                raise ValueError(f"'{name}' is not supported")
        return self

    def reply_limit(self) -> int | None:
        """The maximum number of tokens of a reply that the client wants."""
        return self.max_completion_tokens or self.max_tokens
