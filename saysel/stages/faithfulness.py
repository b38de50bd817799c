"""Ask a model to explain itself, then ask it again many times.

arXiv 2405.20974, section 3.1, samples 50 more responses to each question and has a strong LLM
compare the rationale with their clusters. Here the same is drawn, with one reply decoded as in the
evaluation, and stored, so that `saysel.faithfulness` can measure it without an LLM. New: the
confidence is read again without the rationale, and with another question's.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from saysel.costs import ledger
from saysel.costs.ledger import Ledger
from saysel.estimators.sampling import single
from saysel.interfaces import Format
from saysel.recipes.recipe import Recipe
from saysel.records import (
    Generation,
    Meaning,
    ModelRef,
    Prediction,
    Question,
    Reflection,
    Response,
)
from saysel.stages import StageContext, chunks, context_of, judged, judged_on, read_model
from saysel.storage import Shards

#: Replies in a shard: what a crash can cost.
SHARD = 5_000


@dataclass(frozen=True)
class ReflectShard:
    """Draws, groups and reads what one shard needs; can be sent to another process."""

    recipe: Recipe
    model: ModelRef
    n: int
    ledger: Ledger

    def __call__(self, item: tuple[int, Sequence[Question]]) -> tuple[int, list[Reflection]]:
        with self.ledger.opened():
            return self._measured(*item)

    def _measured(self, number: int, asked: Sequence[Question]) -> tuple[int, list[Reflection]]:
        recipe = self.recipe
        context = context_of(recipe, "faithfulness", number)
        explained = [prediction for prediction, _ in single(self.model, asked, context)]
        explained = judged(recipe, asked, explained)
        prompts = [recipe.format.prompt(question) for question in asked]
        drawn = context.sampler.sample(self.model, prompts, self.n, context.seed + 1)
        found = [
            Reflection(
                question.id,
                one.response,
                one.answer,
                one.rationale,
                one.correct,
                one.tokens + sum(reply.tokens for reply in fresh),
                self.n,
                meanings(recipe, question, one, fresh),
            )
            for question, one, fresh in zip(asked, explained, drawn, strict=True)
        ]
        # A sampler that cannot look inside its model may ask a server, and there is nothing here
        # to be read.
        if not context.sampler.gives_logprobs():
            return number, found
        return number, reread(recipe.format, self.model, asked, found, context.seed)


def reread(
    format: Format,
    model: ModelRef,
    asked: Sequence[Question],
    found: Sequence[Reflection],
    seed: int,
) -> list[Reflection]:
    """The same with the confidences behind each answer and its own, no or another rationale."""
    from saysel.hf.expected_confidence import read_confidence

    rows = [
        row for row, one in enumerate(found) if one.answer is not None and one.rationale is not None
    ]
    other = dict(zip(rows, exchanged(rows, seed), strict=True))
    leads = [lead(format, found[row], found[row].rationale) for row in rows]
    leads += [lead(format, found[row], None) for row in rows]
    if len(rows) > 1:
        leads += [lead(format, found[row], found[other[row]].rationale) for row in rows]
    prompts = [format.prompt(asked[row]) for row in rows] * 3
    read = read_confidence(model, format, prompts[: len(leads)], leads)
    parts = [read[start : start + len(rows)] for start in range(0, 3 * len(rows), len(rows) or 1)]
    made = list(found)
    for place, row in enumerate(rows):
        kept, dropped, swapped = (part[place] if part else None for part in parts)
        made[row] = replace(found[row], kept=kept, dropped=dropped, swapped=swapped)
    return made


def meanings(
    recipe: Recipe, question: Question, explained: Prediction, fresh: Sequence[Generation]
) -> tuple[Meaning, ...]:
    """What the fresh samples and the explained reply say, as the recipe's clusterer sees it.

    The reply is grouped together with them, so that its own answer is known in their terms.
    """
    n = len(fresh)
    responses = [
        Response(
            question.id,
            index,
            reply.text,
            recipe.format.parse(reply.text, cut=reply.cut).answer,
            tokens=0,
        )
        for index, reply in enumerate(fresh)
    ]
    responses.append(Response(question.id, n, explained.response, explained.answer, 0))
    return tuple(
        Meaning(
            tuple(dict.fromkeys(responses[member].answer or "" for member in cluster.members)),
            sum(member < n for member in cluster.members) / n,
            n in cluster.members,
        )
        for cluster in recipe.cluster.cluster(question, responses)
    )


def exchanged(rows: Sequence[int], seed: int) -> list[int]:
    """Another of the rows for each, every one once; the same if there is no other."""
    order = random.Random(seed).sample(range(len(rows)), len(rows))
    following = dict(zip(order, [*order[1:], *order[:1]], strict=True))
    return [rows[following[place]] for place in range(len(rows))]


def lead(format: Format, reflection: Reflection, rationale: str | None) -> str:
    """The reply as the format writes it with that rationale, up to where the confidence begins."""
    text = format.render(
        reflection.answer or "", rationale, 1.0, format.reasoning(reflection.response)
    )
    before, marker, _ = text.rpartition(format.confidence_marker)
    return before + marker


def run(work: StageContext) -> dict[str, Any]:
    recipe = work.recipe
    options = recipe.evaluate.faithfulness
    assert options is not None, "a faithfulness step has its options"
    asked = judged_on(work.run, recipe)
    replies = options.n + 1
    shards = list(enumerate(chunks(asked, max(2, SHARD // replies))))
    stored = Shards(work.directory, Reflection)
    missing = [shards[number] for number in stored.missing(len(shards))]
    work.progress.begin(sum(len(part) for _, part in missing) * replies, "replies")
    reflect = ReflectShard(
        recipe, read_model(work.run, work.input("model")), options.n, ledger.current()
    )
    for number, reflections in recipe.engine.map(reflect, missing):
        stored.write(number, reflections)
        work.progress.advance(len(reflections) * replies)
    found = list(stored)
    return {
        "questions": len(asked),
        "rationales": sum(one.rationale is not None for one in found),
        "tokens": sum(one.tokens for one in found),
    }
