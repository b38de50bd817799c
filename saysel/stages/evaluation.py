"""What the stages share that ask models the evaluated questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from saysel.interfaces import EstimationContext, Format, Prompt, Sampler
from saysel.leaks.check import leak_report
from saysel.plan.estimates import (
    Amount,
    RequestEstimate,
    component_requests,
    expected_format,
    expected_questions,
    prompt_tokens,
    question_count,
    question_tokens,
    reply_limit,
    sampler_requests,
)
from saysel.plan.fingerprint import identity
from saysel.recipes.elicited import ElicitedFormat
from saysel.recipes.questions import questions as questions_of
from saysel.recipes.recipe import Recipe
from saysel.records import Prediction, Question
from saysel.stages.shards import shard_seed

#: The chats that a model is sent for a question in a format.
Chats = Callable[[Question, Format], Sequence[Prompt]]


def evaluation_sampler(recipe: Recipe) -> Sampler:
    """The sampler that asks the evaluated models."""
    return recipe.evaluate.sampler or recipe.sample


def evaluation_content(recipe: Recipe, format: Format) -> dict[str, Any]:
    """The part of a recipe that decides how a model is asked and judged, for fingerprints."""
    sampler = identity(evaluation_sampler(recipe))
    del sampler["options"]["n"]  # estimators decide themselves how many replies they draw
    content = {
        "sampler": sampler,
        "clusterer": identity(recipe.cluster),
        "judge": identity(recipe.judge),
        "format": identity(format),
        "source": identity(recipe.source),
        "split": recipe.evaluate.split,
        "temperature": recipe.evaluate.temperature,
        "seed": recipe.seed,
    }
    return {**content, "leaks": "drop"} if recipe.leaks == "drop" else content


def example_splits(format: Format) -> tuple[str, ...]:
    """The splits that the worked examples of a model's prompts are taken from."""
    return ("train",) if isinstance(format, ElicitedFormat) and format.elicit.shots else ()


def evaluation_work(recipe: Recipe, replies: Mapping[str, int]) -> Amount:
    """The work of sampling replies to each question of some splits.

    Args:
        replies: how many to each question, by split.
    """
    drawn = sum(n * question_count(recipe, split) for split, n in replies.items())
    return Amount(drawn, "replies", drawn * reply_limit(evaluation_sampler(recipe)))


def evaluation_requests(
    step: str, recipe: Recipe, format: Format, chats: Chats, replies: Mapping[str, int]
) -> Iterator[RequestEstimate]:
    """The requests for replies to each question of some splits, one of which is judged.

    Args:
        chats: the chats that the replies to a question are sampled from, see `Estimator.chats`.
        replies: how many to each question, by split.
    """
    sampler, format = evaluation_sampler(recipe), expected_format(recipe, format)
    questions: list[Question] = []
    for n in sorted(set(replies.values())):
        splits = (split for split, drawn in replies.items() if drawn == n)
        asked = [question for split in splits for question in expected_questions(recipe, split)]
        prompts = [chat for question in asked for chat in chats(question, format)]
        yield from sampler_requests(
            step,
            recipe,
            sampler,
            prompts=len(prompts),
            tokens=prompt_tokens(prompts),
            n=n * len(asked) // len(prompts) if prompts else n,
        )
        questions += asked
    tokens = question_tokens(questions) + len(questions) * reply_limit(sampler)
    yield from component_requests(
        step, recipe, recipe.judge, requests=len(questions), tokens=tokens
    )


def evaluation_questions(run_directory: Path, recipe: Recipe) -> list[Question]:
    """The questions that a recipe evaluates on, without those that leak if it drops them.

    Raises:
        DataError: see `saysel.recipes.questions.questions`.
    """
    split = questions_of(recipe, recipe.evaluate.split)
    if recipe.leaks != "drop":
        return split
    leaked = leak_report(run_directory, recipe).ids
    return [question for question in split if question.id not in leaked]


def estimation_context(
    recipe: Recipe, format: Format, stage: str, shard: int | str
) -> EstimationContext:
    """What an estimator may use for one shard of a stage."""
    sampler = evaluation_sampler(recipe)
    return EstimationContext(
        sampler=sampler,
        format=format,
        clusterer=recipe.cluster,
        judge=recipe.judge,
        temperature=recipe.evaluate.temperature,
        seed=shard_seed(sampler, stage, recipe.seed, shard),
        questions=partial(questions_of, recipe),
    )


def judged(
    recipe: Recipe, questions: Sequence[Question], predictions: Sequence[Prediction]
) -> list[Prediction]:
    """The predictions with their correctness; one that declines has no confidence."""
    answers = [
        (question, prediction.answer)
        for question, prediction in zip(questions, predictions, strict=True)
    ]
    declined = [prediction.declined for prediction in predictions]
    return [
        replace(
            prediction,
            correct=correct,
            confidence=None if prediction.declined else prediction.confidence,
        )
        for prediction, correct in zip(
            predictions, recipe.judge.judge_answers(answers, declined), strict=True
        )
    ]
