"""Sample n responses to every training question (arXiv 2405.20974, section 2.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar

from saysel.interfaces import Format
from saysel.plan.context import StageContext
from saysel.plan.estimates import (
    Amount,
    RequestEstimate,
    expected_format,
    expected_questions,
    prompt_tokens,
    question_count,
    reply_limit,
    sampler_requests,
)
from saysel.plan.fingerprint import identity
from saysel.plan.stage import BASE, Cell, Stage
from saysel.recipes.elicited import asking_format
from saysel.recipes.questions import questions as questions_of
from saysel.recipes.recipe import Recipe
from saysel.records import Generation, ModelRef, Question, Response
from saysel.replies.counts import ReplyTally, count_responses, read_reply
from saysel.stages.shards import Layout, Tick, map_shards, shard_seed
from saysel.storage import Shards

#: What a crash can cost. The shard is part of the seed: another size gives other samples.
RESPONSES_PER_SHARD = 2_000


@dataclass(frozen=True, kw_only=True, eq=False)
class SampleStage(Stage):
    """Sample n responses to every training question."""

    stage: ClassVar[str] = "sample"
    makes_training_data: ClassVar[bool] = True

    @classmethod
    def cell_steps(cls, cell: Cell) -> Iterable[Stage]:
        yield cls(recipe=cell.recipe, inputs={"model": cell.models()[BASE]})

    @property
    def format(self) -> Format:
        """The format in which the base model is asked; confidences come from its samples."""
        return asking_format(self.recipe, trained=False, answers_only=True)

    def content(self) -> dict[str, Any]:
        recipe = self.recipe
        return {
            "sampler": identity(recipe.sample),
            "source": identity(recipe.source),
            "format": identity(self.format),
            "seed": recipe.seed,
        }

    def splits(self) -> tuple[str, ...]:
        return ("train",)

    def work(self) -> Amount:
        replies = question_count(self.recipe, "train") * self.recipe.sample.n
        return Amount(replies, "responses", replies * reply_limit(self.recipe.sample))

    def requests(self) -> Iterator[RequestEstimate]:
        recipe = self.recipe
        questions = expected_questions(recipe, "train")
        format = expected_format(recipe, self.format)
        return sampler_requests(
            self.name,
            recipe,
            recipe.sample,
            prompts=len(questions),
            tokens=prompt_tokens(map(format.prompt, questions)),
            n=recipe.sample.n,
        )

    def run(self, context: StageContext) -> dict[str, Any]:
        recipe, n = self.recipe, self.recipe.sample.n
        questions = questions_of(recipe, "train")
        stored = Shards(context.directory, Response)
        map_shards(
            SampleShard(recipe, self.format, context.model(self.inputs["model"])),
            questions,
            Layout(max(1, RESPONSES_PER_SHARD // n), len(questions), "responses", units=n),
            stored,
            engine=recipe.engine,
            progress=context.progress,
        )
        return {"questions": len(questions), **counts(stored)}


@dataclass(frozen=True)
class SampleShard:
    """Samples the responses to the questions of one shard."""

    recipe: Recipe
    format: Format
    model: ModelRef

    def __call__(self, number: int, questions: Sequence[Question], tick: Tick) -> list[Response]:
        sampler = self.recipe.sample
        prompts = [self.format.prompt(question) for question in questions]
        seed = shard_seed(sampler, "sample", self.recipe.seed, number)
        responses = []
        samples = sampler.sample(self.model, prompts, sampler.n, seed)
        for question, generations in zip(questions, samples, strict=True):
            responses += [
                self._response(question, index, generation)
                for index, generation in enumerate(generations)
            ]
            tick(1)
        return responses

    def _response(self, question: Question, index: int, generation: Generation) -> Response:
        parsed = self.format.parse(generation.text, cut=generation.cut)
        return Response(
            question.id,
            index,
            generation.text,
            parsed.answer,
            generation.tokens,
            generation.logprob,
            generation.finish_reason,
            parsed.declined,
        )


def counts(responses: Iterable[Response]) -> dict[str, Any]:
    """Tokens, why generation ended, and how many responses could be read."""
    tokens = 0
    reasons: Counter[str] = Counter()
    tally = ReplyTally("base")
    for _, samples in groupby(responses, key=lambda response: response.question_id):
        group = list(samples)
        tokens += sum(response.tokens for response in group)
        reasons.update(response.finish_reason or "unknown" for response in group)
        tally.add(count_responses(group), map(read_reply, group))
    return {"tokens": tokens, "finish_reasons": dict(reasons), "replies": tally.record()}
