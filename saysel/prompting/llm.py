"""What components that ask another language model share: rationale writers, judges and graders.

A prompt is a text with placeholders such as `{question}`. Each component has a default prompt; the
user can provide another one in a file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar, cast

from pydantic import Field, PrivateAttr, field_validator, model_validator
from typing_extensions import Self

from saysel.display.batch_progress import report_batch_progress
from saysel.errors import StageError
from saysel.hf import at_gguf
from saysel.interfaces import Options, Prompt, Sampler
from saysel.prompting.quoting import NOTICE, one_line
from saysel.records import Generation, ModelRef
from saysel.replies.thoughts import blank_thoughts

Read = TypeVar("Read")

#: Characters of an unusable reply that a message shows.
MAX_SHOWN_REPLY = 80


@dataclass
class Answers(Generic[Read]):
    """What was read from the replies to some prompts.

    Attributes:
        read: one entry per prompt; `None` if no reply to it was usable.
        refusals: the reasons that the server gave for refusing a prompt.
        unusable: an unusable reply, for messages; empty if there was none.
    """

    read: list[Read | None]
    refusals: list[str] = field(default_factory=list)
    unusable: str = ""

    def missing(self) -> list[int]:
        """The rows of the prompts without a usable reply."""
        return [row for row, value in enumerate(self.read) if value is None]


def ask(
    sampler: Sampler,
    model: ModelRef,
    prompts: Sequence[Prompt],
    read: Callable[[str], Read | None],
    *,
    retries: int,
    seed: int,
) -> Answers[Read]:
    """Ask a model each prompt until its reply is usable.

    A reply that is refused or cannot be read is requested again with the next seed. The model's
    reasoning before the reply is ignored.

    Args:
        read: extracts the result from a reply; `None` if it is unusable.
        retries: further requests for a prompt without a usable reply.
    """
    answers: Answers[Read] = Answers([None] * len(prompts))
    sampler = sampler.tolerate_refusals(answers.refusals)
    for attempt in range(retries + 1):
        rows = answers.missing()
        if not rows:
            break
        samples = sampler.sample(model, [prompts[row] for row in rows], 1, seed + attempt)
        for count, (row, (reply,)) in enumerate(zip(rows, samples, strict=True), 1):
            report_batch_progress(len(prompts) - len(rows) + count, len(prompts))
            answers.read[row] = read(blank_thoughts(reply.text).strip())
            if answers.read[row] is None:
                answers.unusable = _described(reply)
    return answers


def fill(prompt: str, values: Mapping[str, str]) -> Prompt:
    """The chat that asks a prompt, after a notice about quoted texts.

    Values are inserted as they are, also if they contain placeholders. What a model wrote has to
    be quoted (`saysel.prompting.quoting`).

    Args:
        values: what to put in place of each placeholder.
    """
    placeholders = re.compile("|".join(map(re.escape, values)))
    content = placeholders.sub(lambda match: values[match[0]], prompt)
    return [{"role": "user", "content": f"{NOTICE}\n\n{content}"}]


@dataclass(eq=False)
class Tally:
    """How many prompts a component has asked, and how many have no usable reply.

    All tallies are equal: components with the same options are equal, whatever they have asked.
    """

    prompts: int = 0
    missing: int = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally)

    __hash__ = None  # type: ignore[assignment]


class AsksLanguageModel(Options):
    """A component that asks a language model: its options, its prompt, its replies.

    Attributes:
        default_prompt: file below `saysel/` with the component's own prompt.
        placeholders: what a prompt has to contain.
    """

    renamed: ClassVar[Mapping[str, str]] = {"most_missing": "max_missing"}

    default_prompt: ClassVar[str]
    placeholders: ClassVar[tuple[str, ...]]

    sampler: Sampler = Field(
        cast(Any, "transformers"), validate_default=True, description="asks the model"
    )
    model: str | None = Field(
        None,
        min_length=1,
        description="hub id or directory of the model; not needed if the sampler names one",
    )
    revision: str | None = Field(None, description="commit or tag of the model's hub repository")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="data type of its weights, where it is loaded on this machine"
    )
    device_map: str | None = Field(
        None, min_length=1, description="auto distributes a large model over several devices"
    )
    quantization: Literal["8bit", "4bit"] | None = Field(
        None, description="precision of its quantized weights (bitsandbytes)"
    )
    prompt: str | None = Field(
        None, description="your own prompt, as a file or as text; null: the default prompt"
    )
    retries: int = Field(2, ge=0, description="how often an unusable reply is requested again")
    max_missing: float = Field(
        0.1,
        ge=0,
        le=1,
        description="share of all prompts that may remain without a usable reply; the stage fails "
        "if it is higher",
    )
    seed: int = Field(0, ge=0, description="for sampling")

    _tally: Tally = PrivateAttr(default_factory=lambda: Tally())

    @field_validator("prompt")
    @classmethod
    def _read_prompt(cls, prompt: str | None) -> str | None:
        """Replace the name of a file by its content, which fingerprints and the run need."""
        if prompt is None:
            return None
        if "\n" not in prompt and "{" not in prompt:
            try:
                prompt = Path(prompt).expanduser().read_text(encoding="utf-8")
            except OSError as error:
                reason = error.strerror or error
                raise ValueError(f"the file {prompt} cannot be read: {reason}") from None
            except UnicodeDecodeError:
                raise ValueError(f"the file {prompt} cannot be read: not UTF-8") from None
        missing = [place for place in cls.placeholders if place not in prompt]
        if missing:
            raise ValueError(f"the prompt must contain {', '.join(missing)}")
        return prompt

    @model_validator(mode="after")
    def _names_a_model(self) -> Self:
        if self.model is None and self.sampler.served_model() is None:
            raise ValueError(
                f"name the model to ask under 'model': the sampler '{self.sampler.use}' names none"
            )
        return self

    def filled(self, values: Mapping[str, str]) -> Prompt:
        """The component's prompt with its placeholders filled (see `fill`)."""
        text = self.prompt
        if text is None:
            text = files("saysel").joinpath(self.default_prompt).read_text(encoding="utf-8")
        return fill(text.strip(), values)

    def replies(
        self, prompts: Sequence[Prompt], read: Callable[[str], Read | None]
    ) -> list[Read | None]:
        """What was read from the reply to each prompt; `None` if no reply was usable.

        Raises:
            StageError: of all prompts so far, too many have no usable reply.
        """
        model = at_gguf(
            ModelRef(
                self.model or "",
                self.revision,
                dtype=self.dtype,
                device_map=self.device_map,
                quantization=self.quantization,
            )
        )
        answers = ask(self.sampler, model, prompts, read, retries=self.retries, seed=self.seed)
        self._tally.prompts += len(prompts)
        self._tally.missing += len(answers.missing())
        if self._tally.missing > math.ceil(self.max_missing * self._tally.prompts):
            example = answers.refusals[-1] if answers.refusals else answers.unusable
            raise StageError(
                f"{self._tally.missing} of {self._tally.prompts} replies of {self.model_name()} "
                f"are unusable after {self.retries + 1} attempts each (for example: {example}): "
                "change the prompt, ask another model, or raise max_missing"
            )
        return answers.read

    def model_name(self) -> str:
        """The model's name, for messages."""
        return self.model or self.sampler.served_model() or self.sampler.use


def _described(reply: Generation) -> str:
    """An unusable reply, for messages."""
    shown = f"'{one_line(reply.text)[:MAX_SHOWN_REPLY]}'"
    return f"{shown}, truncated: raise max_tokens" if reply.cut else shown
