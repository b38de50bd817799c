"""What the components share that ask a language model about others: writer and judge.

A prompt is a text with places such as `{question}`; each component comes with one, and the user
can put a file of their own in its stead.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)
from typing_extensions import Self

from saysel.errors import StageError
from saysel.interfaces import Prompt, Sampler
from saysel.prompting.quoting import NOTICE
from saysel.records import Generation, ModelRef
from saysel.replies.thoughts import blank_thoughts
from saysel.samplers.remote.responses import clean

Read = TypeVar("Read")

#: Longest part of an unusable reply that is shown.
SHOWN = 80


@dataclass(eq=False)
class Tally:
    """Prompts of a component so far, and how many of them have no usable reply.

    Any two are equal: components with the same options are the same, whatever they have asked.
    """

    prompts: int = 0
    missing: int = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally)

    __hash__ = None  # type: ignore[assignment]


class AsksModel(BaseModel):
    """Options of a component that asks a language model, and how it asks.

    Attributes:
        wording: file below `saysel/` with the component's own prompt.
        places: what has to stand in a prompt.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    wording: ClassVar[str]
    places: ClassVar[tuple[str, ...]]

    sampler: Sampler = Field(
        cast(Any, "transformers"), validate_default=True, description="asks the model"
    )
    model: str | None = Field(
        None,
        min_length=1,
        description="hub id or directory of the model, for samplers that have none of their own",
    )
    revision: str | None = Field(None, description="commit or tag of the model's hub repository")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="type of its weights in memory, where it is loaded here"
    )
    device_map: str | None = Field(
        None, min_length=1, description="auto lays a large model on several devices"
    )
    quantization: Literal["8bit", "4bit"] | None = Field(
        None, description="its weights in so many bits, through bitsandbytes"
    )
    prompt: str | None = Field(
        None, description="file with a prompt of your own, or its text; null: saysel's"
    )
    retries: int = Field(
        2, ge=0, description="times that a reply is asked for again that cannot be used"
    )
    most_missing: float = Field(
        0.1,
        ge=0,
        le=1,
        description="share of all prompts that may stay without a usable reply; more, and the "
        "stage fails",
    )
    seed: int = Field(0, ge=0, description="for sampling")

    _tally: Tally = PrivateAttr(default_factory=lambda: Tally())

    @field_validator("prompt")
    @classmethod
    def _prompt_is_read(cls, prompt: str | None) -> str | None:
        """The text itself: it is what decides the replies, and what a run has to remember."""
        if prompt is None:
            return None
        if "\n" not in prompt and "{" not in prompt:
            try:
                prompt = Path(prompt).expanduser().read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "not UTF-8"
                raise ValueError(f"the file {prompt} cannot be read: {reason}") from None
        missing = [place for place in cls.places if place not in prompt]
        if missing:
            raise ValueError(f"the prompt must contain {', '.join(missing)}")
        return prompt

    @model_validator(mode="after")
    def _somebody_is_asked(self) -> Self:
        if self.model is None and self.sampler.served_model() is None:
            raise ValueError(
                f"say under 'model' which model answers: the sampler '{self.sampler.use}' has none "
                "of its own"
            )
        return self

    def filled(self, values: Mapping[str, str]) -> Prompt:
        """The prompt with its places filled, after a notice about quoted texts.

        What is filled in is not filled again. What a model wrote has to come quoted
        (`saysel.prompting.quoting`).
        """
        text = self.prompt or files("saysel").joinpath(self.wording).read_text(encoding="utf-8")
        places = re.compile("|".join(map(re.escape, values)))
        content = places.sub(lambda found: values[found[0]], text.strip())
        return [{"role": "user", "content": f"{NOTICE}\n\n{content}"}]

    def replies(
        self, prompts: Sequence[Prompt], read: Callable[[str], Read | None]
    ) -> list[Read | None]:
        """What was read from the reply to each prompt; `None` where nothing could, in any try.

        A reply that cannot be read, or that is refused, is asked for again with another seed.
        What a model thinks before it answers is not part of the reply.

        Raises:
            StageError: more replies than allowed are missing, of all that were asked for so far.
        """
        read_replies: list[Read | None] = [None] * len(prompts)
        missing = list(range(len(prompts)))
        asked = ModelRef(
            self.model or "",
            self.revision,
            dtype=self.dtype,
            device_map=self.device_map,
            quantization=self.quantization,
        )
        refusals: list[str] = []
        sampler, unusable = self.sampler.tolerate_refusals(refusals), ""
        for attempt in range(self.retries + 1):
            if not missing:
                break
            samples = sampler.sample(
                asked, [prompts[row] for row in missing], 1, self.seed + attempt
            )
            for row, (reply,) in zip(missing, samples, strict=True):
                read_replies[row] = read(blank_thoughts(reply.text).strip())
                if read_replies[row] is None:
                    unusable = _described(reply)
            missing = [row for row in missing if read_replies[row] is None]
        self._tally.prompts += len(prompts)
        self._tally.missing += len(missing)
        if self._tally.missing > math.ceil(self.most_missing * self._tally.prompts):
            example = refusals[-1] if refusals else unusable
            raise StageError(
                f"{self._tally.missing} of {self._tally.prompts} replies of {self.asked()} could "
                f"not be used, after {self.retries + 1} tries each (one of them: {example}): "
                "change the prompt, ask another model, or raise most_missing"
            )
        return read_replies

    def asked(self) -> str:
        """The model's name, for messages."""
        return self.model or self.sampler.served_model() or self.sampler.use


def _described(reply: Generation) -> str:
    """An unusable reply, for messages."""
    shown = f"'{clean(reply.text)[:SHOWN]}'"
    return f"{shown}, cut at max_tokens: raise it" if reply.cut else shown
