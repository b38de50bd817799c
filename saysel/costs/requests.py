"""What a recipe asks of servers and what that may cost, before anything is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from saysel.costs.prices import price
from saysel.costs.tokens import likely_prompt_tokens
from saysel.errors import UsageError
from saysel.interfaces import Component, Sampler
from saysel.plan.plan import Plan, Step
from saysel.prompting.llm import AsksModel
from saysel.recipes.components import components
from saysel.recipes.questions import questions
from saysel.recipes.recipe import Recipe
from saysel.records import Question

#: As long as a question of HotpotQA: some twenty tokens.
USUAL = Question("usual", "word " * 18, ("word",))


class RequestEstimate(NamedTuple):
    """What one step asks of one model.

    Attributes:
        step: its name.
        model: the server's name for the model.
        requests: how many, if the server gives n samples for one.
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


def bill(todo: Plan) -> list[str]:
    """The items of a plan as lines, and their sum; one line if nothing is asked of servers."""
    found = [item for step in todo.steps for item in items(step)]
    if not found:
        return ["cost: none, every component runs on this machine"]
    lines = [
        f"{item.step} asks {item.model}: {item.requests:,} requests, about "
        f"{item.input_tokens:,} tokens in, {item.output_tokens:,} out at most, "
        f"{_dollars(item.cost)}"
        for item in found
    ]
    recipe = todo.report.recipe
    total = sum(item.cost or 0.0 for item in found)
    unknown = sorted({item.model for item in found if item.cost is None})
    lines.append(
        f"cost: at most about {_dollars(total)}, excluding retries"
        + (f" and {', '.join(unknown)} (no known price: add one under prices)" if unknown else "")
    )
    if recipe.max_cost is not None and total > recipe.max_cost:
        lines.append(
            f"that may be more than max_cost ({_dollars(recipe.max_cost)}), at which the run "
            "stops; once it is raised, the same command goes on"
        )
    return lines


def priced(todo: Plan) -> None:
    """Check that a limit of cost can be kept.

    Raises:
        UsageError: a recipe with `max_cost` asks a model without a known price, or through a
            sampler that does not record what it spends or does not limit its replies.
    """
    if todo.report.recipe.max_cost is None:
        return
    estimates = [item for step in todo.steps for item in items(step)]
    unlimited = sorted({item.unlimited for item in estimates if item.unlimited})
    if unlimited:
        raise UsageError(
            f"max_cost is set, and {unlimited[0]}: remove max_cost, or use openai or anthropic"
        )
    unknown = sorted({item.model for item in estimates if item.cost is None})
    if unknown:
        raise UsageError(
            f"max_cost is set, and there is no price of {', '.join(unknown)}: name one in a file "
            "(prices)"
        )


def items(step: Step) -> Iterator[RequestEstimate]:
    """What a step asks of servers.

    Rationale writers and judges are taken to ask once for a question or answer.
    """
    recipe = step.recipe
    reflecting = recipe.evaluate.faithfulness
    reply = recipe.sample.reply_limit() or 0
    if step.stage == "sample":
        asked = _asked(recipe, "train")
        yield from _asks(step, recipe.sample, _prompts(recipe, asked), len(asked), recipe.sample.n)
    elif step.stage == "rationale":
        asked = _asked(recipe, "train")
        responses = recipe.rationale.responses_shown(recipe.sample.n)
        shown = _texts(asked) + len(asked) * responses * reply
        yield from _nested(step, recipe.rationale, shown, len(asked))
    elif step.stage == "target":
        asked = _asked(recipe, "train")
        shown = recipe.sample.n * (_texts(asked) + len(asked) * reply)
        yield from _nested(step, recipe.judge, shown, len(asked) * recipe.sample.n)
    elif step.stage == "train" and step.trainer is not None:
        asked = [question for split in step.trainer.splits() for question in _asked(recipe, split)]
        judged = step.trainer.max_judge_calls(len(asked), recipe.sample.n)
        each = _texts(asked) // max(1, len(asked)) + reply
        yield from _nested(step, recipe.judge, judged * each, judged)
    elif step.stage == "evaluate" and step.estimator is not None:
        splits = [recipe.evaluate.split, *step.estimator.splits()]
        asked = [question for split in splits for question in _asked(recipe, split)]
        sampler = recipe.evaluate.sampler or recipe.sample
        prompts, n = _prompts(recipe, asked), step.estimator.replies()
        yield from _asks(step, sampler, prompts, len(asked), n)
        yield from _nested(step, recipe.judge, _texts(asked) + len(asked) * reply, len(asked))
    elif step.stage == "faithfulness" and reflecting is not None:
        asked = _asked(recipe, recipe.evaluate.split)
        sampler = recipe.evaluate.sampler or recipe.sample
        yield from _asks(step, sampler, _prompts(recipe, asked), len(asked), 1 + reflecting.n)
        yield from _nested(step, recipe.judge, _texts(asked) + len(asked) * reply, len(asked))
    elif step.stage == "grade" and reflecting is not None and reflecting.grader is not None:
        asked = _asked(recipe, recipe.evaluate.split)[: reflecting.grader.questions]
        shown = _texts(asked) + len(asked) * (1 + reflecting.n) * reply
        grader = reflecting.grader
        yield from _asks(step, grader.sampler, shown, len(asked), 1, grader.model.served_name())


def _asked(recipe: Recipe, split: str) -> list[Question]:
    """The questions of a split; of a source that is left unread, as many of a usual length."""
    known = recipe.source.size(split)
    return questions(recipe, split) if known is None else [USUAL] * known


def _nested(
    step: Step, component: Component, tokens: int, requests: int
) -> Iterator[RequestEstimate]:
    """What a component with samplers of its own asks, with tokens to show beside its own words."""
    if isinstance(component, AsksModel):
        tokens += requests * likely_prompt_tokens(
            component.filled(dict.fromkeys(component.places, ""))
        )
    if requests:
        model = component.model if isinstance(component, AsksModel) else None
        yield from _asks(step, component, tokens, requests, 1, model)


def _asks(
    step: Step, component: Component, tokens: int, prompts: int, n: int, asked: str | None = None
) -> Iterator[RequestEstimate]:
    """What the remote samplers in a component cost that is asked for n samples of each prompt.

    Args:
        tokens: of all prompts together.
        asked: name of the model; `None`: the recipe's.
    """
    for part in components(component):
        if isinstance(part, Sampler) and part.remote:
            yield _estimate(step, part, tokens, prompts, n, asked)


def _estimate(
    step: Step, sampler: Sampler, tokens: int, prompts: int, n: int, asked: str | None
) -> RequestEstimate:
    recipe = step.recipe
    named = asked or recipe.model.served_name() or recipe.model.use
    model = sampler.served_model() or named
    times = -(-n // sampler.choices_per_request())
    written = prompts * n * (sampler.reply_limit() or 0)
    known = price(model, recipe.prices)
    cost = known.of(tokens * times, written) if known else None
    name, unlimited = sampler.use or type(sampler).__name__, ""
    if not sampler.metered:
        unlimited = f"the sampler '{name}' does not record what it spends (metered)"
    elif sampler.reply_limit() is None:
        unlimited = f"the sampler '{name}' does not limit its replies (reply_limit)"
    return RequestEstimate(
        *(step.name, model, prompts * times, tokens * times, written, cost, unlimited)
    )


def _prompts(recipe: Recipe, asked: list[Question]) -> int:
    return sum(likely_prompt_tokens(recipe.format.prompt(question)) for question in asked)


def _texts(asked: list[Question]) -> int:
    return sum(likely_prompt_tokens([{"role": "user", "content": one.prompt}]) for one in asked)


def _dollars(cost: float | None) -> str:
    if cost is None:
        return "price unknown"
    return f"${cost:,.2f}" if cost >= 0.01 or not cost else f"${cost:.2g}"
