"""A tiny model trained to write one rationale and to give two verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from saysel.judges.llm import LlmJudge
from saysel.rationales.llm import LlmRationaleWriter
from saysel.records import ModelRef, Rationale
from saysel.testing import clusters, question
from tests.support.memorizing_model import memorize
from tests.support.scripted_sampler import scripted_sampler

CITIES = clusters({"Paris": 6, "Rome": 4})
DOUBT = "I am torn between Paris and Rome."


def train_judge_model(model: ModelRef, directory: Path) -> ModelRef:
    """Train a tiny model to give these replies, and save it to a directory."""
    script = scripted_sampler([DOUBT], ["Verdict: right", "Verdict: wrong"])
    LlmRationaleWriter(sampler=script).write([(question(), CITIES)])
    LlmJudge(sampler=script).judge([(question(), "Paris"), (question(), "Oslo")])
    prompts = [prompt for _, asked, _ in script.asked for prompt in asked]
    replies = [text for texts in script.rounds for text in texts]
    # The two verdicts differ in one word, for prompts that differ in one.
    return memorize(model, list(zip(prompts, replies, strict=True)), directory, steps=500)


def check_judge_model(**options: Any) -> None:
    """Assert that a rationale writer and a judge receive the replies it was trained on.

    Args:
        options: for writer and judge: the sampler, and the model if the sampler needs one.
    """
    writer = LlmRationaleWriter.model_validate(options)
    judge = LlmJudge.model_validate(options)

    assert writer.write([(question(), CITIES)]) == [Rationale("capital", DOUBT)]
    assert judge.judge([(question(), "Paris"), (question(), "Oslo")]) == [1.0, 0.0]
