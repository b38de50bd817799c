"""How much a step is to do and to ask of servers, estimated before the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from saysel.costs.prices import price
from saysel.costs.tokens import likely_prompt_tokens
from saysel.errors import DataError
from saysel.interfaces import Component, Format, Prompt, Sampler
from saysel.prompting.llm import AsksLanguageModel
from saysel.recipes.components import components
from saysel.recipes.elicited import ElicitedFormat
from saysel.recipes.questions import questions, shots, shots_problem
from saysel.recipes.recipe import Recipe
from saysel.records import Question

#: As long as a question of HotpotQA, some twenty tokens: stands for those of an unread source.
TYPICAL_QUESTION = Question("typical", "word " * 18, ("word",))


class Amount(NamedTuple):
    """Units of work, the unit, and the most tokens that can be generated."""

    units: int
    unit: str
    tokens: int = 0


class RequestEstimate(NamedTuple):
    """What one step asks of one model.

    Attributes:
        step: its name.
        model: the server's name for the model.
        requests: how many, if the server returns n samples for one.
        input_tokens: about; four bytes of text are taken for one token.
        output_tokens: at most; 0 where the sampler states no limit.
        cost: US dollars; `None` where the price is not known.
        unlimited: why `max_cost` cannot be kept: what the sampler lacks for it; empty if nothing.
    """

    step: str
    model: str
    requests: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    unlimited: str = ""


def question_count(recipe: Recipe, split: str) -> int:
    """How many questions a split has at most."""
    known = _known_size(recipe, split)
    return len(questions(recipe, split)) if known is None else known


def expected_questions(recipe: Recipe, split: str) -> list[Question]:
    """The questions of a split; for a source that is left unread, as many of a typical length."""
    known = _known_size(recipe, split)
    return questions(recipe, split) if known is None else [TYPICAL_QUESTION] * known


def _known_size(recipe: Recipe, split: str) -> int | None:
    """The maximum number of questions of a split, if the source need not be read for it.

    Raises:
        DataError: `train` is too small for the worked examples of `elicit`.
    """
    known = recipe.source.size(split)
    if known is None or split != "train" or not shots(recipe):
        return known
    if problem := shots_problem(recipe, known):
        raise DataError(problem)
    return known - shots(recipe)


def reply_limit(sampler: Sampler) -> int:
    """The most tokens of a reply; 0 where the sampler states no limit."""
    return sampler.reply_limit() or 0


def expected_format(recipe: Recipe, format: Format) -> Format:
    """A format with worked examples of a typical length, if the source is left unread."""
    if isinstance(format, ElicitedFormat) and _known_size(recipe, "train") is not None:
        return format.with_examples([TYPICAL_QUESTION] * shots(recipe))
    return format


def prompt_tokens(prompts: Iterable[Prompt]) -> int:
    """About how many tokens some prompts have together."""
    return sum(map(likely_prompt_tokens, prompts))


def question_tokens(questions: Sequence[Question]) -> int:
    """About how many tokens the questions alone have together."""
    return prompt_tokens([{"role": "user", "content": question.prompt}] for question in questions)


def sampler_requests(
    step: str,
    recipe: Recipe,
    sampler: Component,
    *,
    prompts: int,
    tokens: int,
    n: int = 1,
    model: str | None = None,
) -> Iterator[RequestEstimate]:
    """What a sampler, or those nested in a component, ask of their servers.

    Args:
        step: name of the step.
        prompts: how many are asked.
        tokens: how many the prompts have together.
        n: samples of each.
        model: which model is asked; `None`: the recipe's.
    """
    for part in components(sampler):
        if isinstance(part, Sampler) and part.remote:
            name = part.served_model() or model or recipe.model.served_name() or recipe.model.use
            requests_per_prompt = -(-n // part.choices_per_request())
            input_tokens = tokens * requests_per_prompt
            output_tokens = prompts * n * reply_limit(part)
            known = price(name, recipe.prices)
            yield RequestEstimate(
                step=step,
                model=name,
                requests=prompts * requests_per_prompt,
                input_tokens=input_tokens,
                output_tokens=output_tokens,
                cost=known.of(input_tokens, output_tokens) if known else None,
                unlimited=_unlimited(part),
            )


def component_requests(
    step: str, recipe: Recipe, component: Component, *, requests: int, tokens: int
) -> Iterator[RequestEstimate]:
    """What the samplers within a component ask, such as those of a rationale writer or judge.

    Args:
        step: name of the step.
        requests: how many prompts the component writes.
        tokens: how many tokens of questions and replies it shows in them, without its own words.
    """
    model = None
    if isinstance(component, AsksLanguageModel):
        model = component.model
        tokens += requests * likely_prompt_tokens(
            component.filled(dict.fromkeys(component.placeholders, ""))
        )
    if requests:
        yield from sampler_requests(
            step, recipe, component, prompts=requests, tokens=tokens, model=model
        )


def _unlimited(sampler: Sampler) -> str:
    name = sampler.use or type(sampler).__name__
    if not sampler.metered:
        return f"the sampler '{name}' does not record what it spends (metered)"
    if sampler.reply_limit() is None:
        return f"the sampler '{name}' does not limit its replies (reply_limit)"
    return ""
