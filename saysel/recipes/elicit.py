"""The options under `elicit`: how a model is asked that was not trained on the format."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from saysel.interfaces import Options


class Elicit(Options):
    """How the base model is asked; models made by training are asked in the format alone."""

    instruction: str | None = Field(
        None,
        description="text after the first question of the prompt; null: the format's own, or none "
        "if worked examples show answers only",
    )
    shots: int = Field(
        4,
        ge=0,
        le=64,
        description="worked examples in the prompt; their questions are taken out of the split "
        "`train`",
    )
    unmarked: Literal["answer"] | None = Field(
        None,
        description="`answer`: the first sentence of a reply without a marker such as `Answer:` is "
        "the answer; null: such a reply has no answer",
    )
