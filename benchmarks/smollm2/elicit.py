"""How many greedy replies of a model have a readable answer, and are right, under ways to ask.

python benchmarks/smollm2/elicit.py MODEL pararel_data.json
"""

from __future__ import annotations

import sys
from random import Random
from typing import Any

from saysel.recipes.elicited import asking_format
from saysel.recipes.questions import questions
from saysel.recipes.recipe import load
from saysel.records import ModelRef
from saysel.samplers.transformers import TransformersSampler

QUESTIONS = 128
WAYS: list[tuple[dict[str, Any] | None, bool]] = [
    (None, True),
    ({"shots": 0, "unmarked": "answer"}, True),
    ({"shots": 4}, True),
    ({"shots": 8}, True),
    ({"shots": 4}, False),
]


def measure(model: ModelRef, data: str, elicit: dict[str, Any] | None, answers_only: bool) -> str:
    """One line: shares of replies with an answer, with a confidence, and right."""
    source = {"use": "pararel", "path": data}
    recipe = load({"name": "elicit", "source": source, "elicit": elicit})
    format = asking_format(recipe, trained=False, answers_only=answers_only)
    asked = Random(0).sample(questions(recipe, "heldout"), QUESTIONS)
    sampler = TransformersSampler(
        use="transformers", temperature=0, max_tokens=32 if answers_only else 48, batch_size=64
    )
    prompts = [format.prompt(question) for question in asked]
    replies = [reply for (reply,) in sampler.sample(model, prompts, 1, 0)]
    parsed = [format.parse(reply.text, cut=reply.cut) for reply in replies]
    right = recipe.judge.judge_answers(
        [(question, part.answer) for question, part in zip(asked, parsed, strict=True)]
    )
    shares = {
        "answer": sum(part.answer is not None for part in parsed),
        "confidence": sum(part.confidence is not None for part in parsed),
        "right": sum(correct or 0 for correct in right),
    }
    counts = ", ".join(f"{name} {count / len(asked):.3f}" for name, count in shares.items())
    return f"{elicit} {'answers only' if answers_only else 'whole replies'}: {counts}"


if __name__ == "__main__":
    for elicit, answers_only in WAYS:
        print(measure(ModelRef(sys.argv[1], dtype="bfloat16"), sys.argv[2], elicit, answers_only))
