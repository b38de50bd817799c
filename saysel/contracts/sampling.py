"""Contracts of models, sources, samplers and trainers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from saysel.contracts.metering import check_recorded
from saysel.contracts.returned import (
    is_count,
    is_generation,
    is_list,
    is_number,
    is_pair,
    is_texts,
    refuse,
)
from saysel.records import Generation, ModelRef, Question

if TYPE_CHECKING:
    from saysel.interfaces import Component, Sampler


def model_ref(component: Component, returned: Any, /, *_: Any, **__: Any) -> Any:
    """Of `Model.prepare` and `Trainer.train`."""
    valid = isinstance(returned, ModelRef) and all(
        isinstance(value, str | None) for value in vars(returned).values()
    )
    if not valid or not returned.path:
        refuse(component, returned, "a ModelRef whose fields are texts, with a path")
    return returned


def work(component: Component, returned: Any, /, *_: Any, **__: Any) -> Any:
    """Of `Model.work` and `Trainer.work`."""
    amount, unit = returned if is_pair(returned) else (None, None)
    if not (is_count(amount) and isinstance(unit, str)):
        refuse(component, returned, "the amount of work and its unit, like (150, 'steps')")
    return returned


def questions(component: Component, returned: Any, /, split: str) -> Any:
    """Of `Source.questions`."""
    required = "Questions whose id and prompt are texts, and whose answers are a tuple of texts"

    def checked(question: Any) -> Question:
        if not (
            isinstance(question, Question)
            and isinstance(question.id, str)
            and isinstance(question.prompt, str)
            and is_texts(question.answers)
            and is_texts(question.wrong_answers)
            and isinstance(question.meta, Mapping)
        ):
            refuse(component, question, required)
        return question

    if not isinstance(returned, Iterable) or isinstance(returned, str | Mapping):
        refuse(component, returned, required)
    if isinstance(returned, list | tuple):
        return [checked(question) for question in returned]
    return map(checked, returned)


def samples(
    component: Sampler,
    returned: Any,
    /,
    model: ModelRef,
    prompts: Sequence[Any],
    n: int,
    seed: int,
) -> Iterator[list[Generation]]:
    """Of `Sampler.sample`."""
    required = f"a list of {n} Generations for each of {len(prompts)} prompts"
    if not isinstance(returned, Iterable) or isinstance(returned, str | Mapping):
        refuse(component, returned, required)

    def checked() -> Iterator[list[Generation]]:
        count = 0
        for generations in returned:
            count += 1
            if count > len(prompts) or not is_list(generations, n):
                refuse(component, generations, required)
            for generation in generations:
                if not is_generation(generation):
                    parts = "Generations with a text, a number of tokens, and a log-probability"
                    refuse(component, generation, f"{parts} or None")
            if any(generation.text.strip() for generation in generations):
                check_recorded(component, model)
            yield list(generations)
        if count < len(prompts):
            refuse(component, f"{count} lists", required, verbatim=True)

    return checked()


def logprobs(
    component: Component, returned: Any, /, model: Any, prompts: Any, completions: Sequence[str]
) -> Any:
    """Of `Sampler.logprobs`."""
    required = (
        f"a list of log-probabilities, numbers of at most 0, for each of {len(completions)} texts"
    )
    if returned is None:
        return None
    if not is_list(returned, len(completions)):
        refuse(component, returned, required)
    for row in returned:
        if not is_list(row) or not all(is_number(value, -math.inf, 1e-3) for value in row):
            refuse(component, row, required)
    return returned
