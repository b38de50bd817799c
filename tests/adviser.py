"""A tiny model that has learned to write one rationale and to give two verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from saysel.judges.llm import LlmJudge
from saysel.rationales.llm import LlmRationaleWriter
from saysel.records import ModelRef, Rationale
from saysel.testing import clusters, question
from tests.scripted import scripted
from tests.talker import taught

CITIES = clusters({"Paris": 6, "Rome": 4})
DOUBT = "I am torn between Paris and Rome."


def adviser(model: ModelRef, directory: Path) -> ModelRef:
    """The model after learning them."""
    script = scripted([DOUBT], ["Verdict: right", "Verdict: wrong"])
    LlmRationaleWriter(sampler=script).write([(question(), CITIES)])
    LlmJudge(sampler=script).judge([(question(), "Paris"), (question(), "Oslo")])
    prompts = [prompt for _, asked, _ in script.asked for prompt in asked]
    replies = [text for texts in script.rounds for text in texts]
    # The two verdicts differ in one word, for prompts that differ in one.
    return taught(model, list(zip(prompts, replies, strict=True)), directory, steps=500)


def check_advice(**options: Any) -> None:
    """A writer and a judge that ask it hear what it has learned.

    Args:
        options: of writer and judge: the sampler, and the model where that needs one.
    """
    writer = LlmRationaleWriter.model_validate(options)
    judge = LlmJudge.model_validate(options)

    assert writer.write([(question(), CITIES)]) == [Rationale("capital", DOUBT)]
    assert judge.judge([(question(), "Paris"), (question(), "Oslo")]) == [1.0, 0.0]
