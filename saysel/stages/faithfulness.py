"""Ask a model to explain itself, then ask it again many times.

arXiv 2405.20974, section 3.1, samples 50 more responses to each question and has a strong LLM
compare the rationale with their clusters. Here the same is drawn, with one reply decoded as in the
evaluation, and stored, so that `saysel.faithfulness` can measure it without an LLM. New: the
confidence is read again without the rationale, and with another question's.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from saysel.estimators.sampling import single_replies
from saysel.interfaces import Format, Prompt
from saysel.plan.context import StageContext
from saysel.plan.estimates import (
    Amount,
    RequestEstimate,
)
from saysel.plan.stage import BASE, Cell, Stage
from saysel.recipes.elicited import asking_format
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
from saysel.replies.counts import (
    ReadReply,
    ReplyTally,
    count_replies,
    count_responses,
    read_reply,
    written_by,
)
from saysel.stages.evaluation import (
    estimation_context,
    evaluation_content,
    evaluation_questions,
    evaluation_requests,
    evaluation_work,
    example_splits,
    judged,
)
from saysel.stages.shards import Layout, Tick, map_shards
from saysel.storage import Shards

#: What a crash can cost. The shard is part of the seed: another size gives other replies.
REPLIES_PER_SHARD = 5_000


@dataclass(frozen=True, kw_only=True, eq=False)
class FaithfulnessStage(Stage):
    """Ask a model to explain itself, then ask it again many times.

    Attributes:
        n: fresh samples per question.
    """

    stage: ClassVar[str] = "faithfulness"

    n: int

    @classmethod
    def cell_steps(cls, cell: Cell) -> Iterable[Stage]:
        """One step per model whose rationales are measured."""
        options = cell.recipe.evaluate.faithfulness
        if options is None:
            return
        for model, trained in cell.models().items():
            if options.models is None or model in options.models:
                inputs = {"model": trained}
                yield cls(recipe=cell.recipe, inputs=inputs, model=model, n=options.n)

    @property
    def name(self) -> str:
        return f"faithfulness-{self.model}"

    @property
    def replies(self) -> int:
        """How many replies there are to a question: one that is measured, and the fresh samples."""
        return 1 + self.n

    def content(self) -> dict[str, Any]:
        return {"n": self.n, **evaluation_content(self.recipe, self.format)}

    @property
    def format(self) -> Format:
        """The format in which the model is asked."""
        return asking_format(self.recipe, self.model != BASE)

    def splits(self) -> tuple[str, ...]:
        return (*example_splits(self.format), self.recipe.evaluate.split)

    def work(self) -> Amount:
        return evaluation_work(self.recipe, {self.recipe.evaluate.split: self.replies})

    def requests(self) -> Iterator[RequestEstimate]:
        def chats(question: Question, format: Format) -> Sequence[Prompt]:
            return [format.prompt(question)]

        replies = {self.recipe.evaluate.split: self.replies}
        return evaluation_requests(self.name, self.recipe, self.format, chats, replies)

    def run(self, context: StageContext) -> dict[str, Any]:
        recipe = self.recipe
        questions = evaluation_questions(context.run_directory, recipe)
        stored = Shards(context.directory, Reflection)
        # A rationale is exchanged for another one of its shard, which needs two.
        size = max(2, REPLIES_PER_SHARD // self.replies)
        map_shards(
            ReflectShard(recipe, self.format, context.model(self.inputs["model"]), self.n),
            questions,
            Layout(size, len(questions), "replies", units=self.replies),
            stored,
            engine=recipe.engine,
            progress=context.progress,
        )
        reflections = list(stored)
        return {
            "questions": len(questions),
            "rationales": sum(reflection.rationale is not None for reflection in reflections),
            "tokens": sum(reflection.tokens for reflection in reflections),
            "replies": self._tally(reflections).record(),
        }

    def _tally(self, reflections: Sequence[Reflection]) -> ReplyTally:
        tally = ReplyTally(written_by(self.model))
        for reflection in reflections:
            reply = ReadReply(reflection.response, reflection.answer)
            tally.add(reflection.reply_counts or count_replies([reply], False), [reply])
        return tally


@dataclass(frozen=True)
class ReflectShard:
    """Draws, groups and reads what is measured of one shard.

    Attributes:
        n: fresh samples per question.
    """

    recipe: Recipe
    format: Format
    model: ModelRef
    n: int

    def __call__(self, number: int, questions: Sequence[Question], tick: Tick) -> list[Reflection]:
        recipe = self.recipe
        context = estimation_context(recipe, self.format, "faithfulness", number)
        explained = [prediction for prediction, _ in single_replies(self.model, questions, context)]
        explained = judged(recipe, questions, explained)
        prompts = [self.format.prompt(question) for question in questions]
        drawn = context.sampler.sample(self.model, prompts, self.n, context.seed + 1)
        reflections = []
        for question, prediction, fresh in zip(questions, explained, drawn, strict=True):
            reflections.append(reflection(recipe, self.format, question, prediction, fresh))
            tick(1)
        # A sampler without log-probabilities may ask a server, whose model cannot be loaded here.
        if not context.sampler.gives_logprobs():
            return reflections
        return reread(self.format, self.model, questions, reflections, context.seed)


def reflection(
    recipe: Recipe,
    format: Format,
    question: Question,
    explained: Prediction,
    fresh: Sequence[Generation],
) -> Reflection:
    """A reply and its rationale, with fresh samples of the same model."""
    samples = responses(format, question, fresh)
    return Reflection(
        question_id=question.id,
        response=explained.response,
        answer=explained.answer,
        rationale=explained.rationale,
        correct=explained.correct,
        tokens=explained.tokens + sum(sample.tokens for sample in samples),
        samples=len(samples),
        meanings=meanings(recipe, question, explained, samples),
        reply_counts=count_responses(samples) + count_replies([read_reply(explained)], False),
    )


def responses(format: Format, question: Question, fresh: Sequence[Generation]) -> list[Response]:
    """The fresh samples with their answers."""
    parts = [format.parse(generation.text, cut=generation.cut) for generation in fresh]
    return [
        Response(
            question.id,
            index,
            generation.text,
            part.answer,
            generation.tokens,
            finish_reason=generation.finish_reason,
            declined=part.declined,
        )
        for index, (generation, part) in enumerate(zip(fresh, parts, strict=True))
    ]


def meanings(
    recipe: Recipe, question: Question, explained: Prediction, fresh: Sequence[Response]
) -> tuple[Meaning, ...]:
    """The meanings of the fresh samples and the explained reply, by the recipe's clusterer.

    The reply is grouped together with the samples, so that its own answer is among the meanings,
    even if the clusterer drops answers that are given once.
    """
    n = len(fresh)
    members = [*fresh, Response(question.id, n, explained.response, explained.answer, 0)]
    found = tuple(
        Meaning(
            wordings=tuple(
                dict.fromkeys(members[member].answer or "" for member in cluster.members)
            ),
            share=sum(member < n for member in cluster.members) / n,
            own=n in cluster.members,
        )
        for cluster in recipe.cluster.cluster(question, members)
    )
    if explained.answer is None or any(meaning.own for meaning in found):
        return found
    return (*found, Meaning((explained.answer,), 0.0, own=True))


def reread(
    format: Format,
    model: ModelRef,
    questions: Sequence[Question],
    reflections: Sequence[Reflection],
    seed: int,
) -> list[Reflection]:
    """The reflections with their confidences, read with each of three rationales.

    These are the reply's own rationale, none, and that of another question. Reflections without an
    answer or a rationale stay as they are.
    """
    from saysel.hf.expected_confidence import read_confidence

    rows = [
        row
        for row, reflection in enumerate(reflections)
        if reflection.answer is not None and reflection.rationale is not None
    ]
    rationales = {row: reflections[row].rationale for row in rows}
    leads = [lead(format, reflections[row], rationales[row]) for row in rows]
    leads += [lead(format, reflections[row], None) for row in rows]
    if len(rows) > 1:
        other = dict(zip(rows, exchanged(rows, seed), strict=True))
        leads += [lead(format, reflections[row], rationales[other[row]]) for row in rows]
    prompts = [format.prompt(questions[row]) for row in rows] * 3
    confidences = read_confidence(model, format, prompts[: len(leads)], leads)
    result = list(reflections)
    for index, row in enumerate(rows):
        # With a single row there is no other rationale, and no third confidence.
        kept, dropped, swapped = (*confidences[index :: len(rows)], None)[:3]
        result[row] = replace(reflections[row], kept=kept, dropped=dropped, swapped=swapped)
    return result


def exchanged(rows: Sequence[int], seed: int) -> list[int]:
    """Another of the rows for each, every one once; the same if there is no other."""
    order = random.Random(seed).sample(range(len(rows)), len(rows))
    following = dict(zip(order, [*order[1:], *order[:1]], strict=True))
    return [rows[following[index]] for index in range(len(rows))]


def lead(format: Format, reflection: Reflection, rationale: str | None) -> str:
    """The reply as the format writes it with that rationale, up to where the confidence begins."""
    text = format.render(
        reflection.answer or "", rationale, 1.0, format.reasoning(reflection.response)
    )
    before, marker, _ = text.rpartition(format.confidence_marker)
    return before + marker
