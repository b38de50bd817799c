"""Sample n responses to every training question (arXiv 2405.20974, section 2.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from saysel.costs import ledger
from saysel.costs.ledger import Ledger
from saysel.estimators.sampling import distinct_texts
from saysel.recipes.recipe import Recipe
from saysel.records import ModelRef, Question, Response
from saysel.stages import StageContext, chunks, read_model, shard_seed
from saysel.storage import Shards

#: Responses in a shard: what a crash can cost.
SHARD = 2_000


@dataclass(frozen=True)
class SampleShard:
    """Samples the responses of one shard; can be sent to another process."""

    recipe: Recipe
    model: ModelRef
    ledger: Ledger

    def __call__(self, item: tuple[int, Sequence[Question]]) -> tuple[int, list[Response]]:
        with self.ledger.opened():
            return self._sampled(*item)

    def _sampled(self, number: int, questions: Sequence[Question]) -> tuple[int, list[Response]]:
        sampler, format = self.recipe.sample, self.recipe.format
        prompts = [format.prompt(question) for question in questions]
        seed = shard_seed(sampler, "sample", self.recipe.seed, number)
        samples = sampler.sample(self.model, prompts, sampler.n, seed)
        return number, [
            Response(
                question.id,
                index,
                generation.text,
                format.parse(generation.text, cut=generation.cut).answer,
                generation.tokens,
                generation.logprob,
                generation.finish_reason,
            )
            for question, generations in zip(questions, samples, strict=True)
            for index, generation in enumerate(generations)
        ]


def run(work: StageContext) -> dict[str, Any]:
    recipe = work.recipe
    n = recipe.sample.n
    questions = work.questions("train")
    shards = list(enumerate(chunks(questions, max(1, SHARD // n))))
    stored = Shards(work.directory, Response)
    missing = [shards[number] for number in stored.missing(len(shards))]
    work.progress.begin(sum(len(part) for _, part in missing) * n, "responses")
    sample = SampleShard(recipe, read_model(work.run, work.input("model")), ledger.current())
    for number, responses in recipe.engine.map(sample, missing):
        stored.write(number, responses)
        work.progress.advance(len(responses))
    tokens, same_text = 0, 0
    reasons: Counter[str] = Counter()
    for _, samples in groupby(stored, key=lambda response: response.question_id):
        group = list(samples)
        tokens += sum(response.tokens for response in group)
        same_text += distinct_texts(group) == 1
        reasons.update(response.finish_reason or "unknown" for response in group)
    return {
        "questions": len(questions),
        "tokens": tokens,
        "questions_with_one_text": same_text,
        "finish_reasons": dict(reasons),
    }
