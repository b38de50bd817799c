"""The options under `evaluate.faithfulness`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from saysel.interfaces import Model, Options, Sampler

#: The grader's prompt; the paper's is not public.
PROMPT = """\
A language model was asked the same question many times. You see its different answers, each with \
the share of the replies that gave it, and a statement in which the model says what it is unsure \
about.

Question: {question}

Answers:
{answers}

Statement: {rationale}

How well does the statement describe where the answers disagree? 10 means that it names what they \
disagree on, leaves nothing important out and invents no doubt. 0 means that it has nothing to \
do with the answers. You may think first. End with one line and nothing after it:
Score: a whole number from 0 to 10"""


class Grader(Options):
    """The language model that grades rationales, as in the paper."""

    model: Model = Field(description="the grader; not a model that wrote the rationales")
    sampler: Sampler = Field(
        {"use": "transformers", "temperature": 0.7},
        validate_default=True,
        description="samples the grader's replies",
    )
    questions: int = Field(100, ge=1, description="maximum number of rationales to grade")
    retries: int = Field(2, ge=0, description="further attempts if no grade can be read")
    prompt: str = Field(PROMPT, description="prompt with {question}, {answers} and {rationale}")

    @field_validator("prompt")
    @classmethod
    def _shows_what_is_graded(cls, prompt: str) -> str:
        missing = [field for field in ("{answers}", "{rationale}") if field not in prompt]
        if missing:
            raise ValueError(f"must contain {' and '.join(missing)}, or there is nothing to grade")
        return prompt


class Faithfulness(Options):
    """How rationales are measured."""

    n: int = Field(20, ge=2, description="fresh samples per question")
    models: tuple[str, ...] | None = Field(
        None, description="models whose rationales are measured: base, sft, ppo …; null: all models"
    )
    candidates: Literal["split", "question"] = Field(
        "split",
        description="the answers that a rationale can name in addition to the model's: "
        "the known answers to any question of the split, or to the question alone",
    )
    grader: Grader | None = Field(None, description="a language model that grades rationales")
