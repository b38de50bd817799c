"""What a component returns, compared with the contract of its kind.

`guard` puts these comparisons around the methods of every implementation, so they hold for
whoever calls one: a stage, a trainer, an estimator, another component. A wrong return value ends
the stage with a line that names the component, what it returned and what it must return; nothing
is stored or trained on.

Rewards are compared where trainers use them, which can name the reply.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from numbers import Real
from typing import TYPE_CHECKING, Any

from saysel.contracts.metering import check_recorded
from saysel.contracts.returned import (
    are_texts,
    is_count,
    is_generation,
    is_list,
    is_number,
    is_pair,
    is_prediction,
    listed,
    refuse,
)
from saysel.records import (
    Cluster,
    Generation,
    ModelRef,
    Prediction,
    Question,
    Rationale,
    Response,
)

if TYPE_CHECKING:
    from saysel.interfaces import Component, Sampler

ROLES = ("system", "user", "assistant")


def guard(cls: type[Component]) -> None:
    """Compare what the methods of an implementation return, in place."""
    for name, check in CHECKS.get(cls.kind, {}).items():
        method = getattr(cls, name)
        implemented = not getattr(method, "__isabstractmethod__", False)
        if implemented and method.__module__ != "saysel.interfaces" and _bare(method):
            setattr(cls, name, _guarded(name, method, check))


def _bare(method: Any) -> bool:
    return not hasattr(method, "saysel_check")


def _guarded(
    name: str, method: Callable[..., Any], check: Callable[..., Any]
) -> Callable[..., Any]:
    @wraps(method)
    def call(self: Component, *args: Any, **options: Any) -> Any:
        returned = method(self, *args, **options)
        if getattr(type(self), name) is not call:  # called by `super()`: only the result counts
            return returned
        return check(self, returned, *args, **options)

    call.saysel_check = check  # type: ignore[attr-defined]
    return call


# ------------------------------------------------------------------------------ per kind


def model_ref(who: Component, returned: Any, /, *_: Any, **__: Any) -> Any:
    """Of `Model.prepare` and `Trainer.train`."""
    texts = isinstance(returned, ModelRef) and all(
        isinstance(value, str | None) for value in vars(returned).values()
    )
    if not texts or not returned.path:
        refuse(who, returned, "a ModelRef whose fields are texts, with a path")
    return returned


def work(who: Component, returned: Any, /, *_: Any, **__: Any) -> Any:
    """Of `Model.work` and `Trainer.work`."""
    count, unit = returned if is_pair(returned) else (None, None)
    if not (is_count(count) and isinstance(unit, str)):
        refuse(who, returned, "how much work there is and its unit, like (150, 'steps')")
    return returned


def questions(who: Component, returned: Any, /, split: str) -> Any:
    """Of `Source.questions`."""
    must = "Questions whose id and prompt are texts, and whose answers are a tuple of texts"

    def checked(question: Any) -> Question:
        if not (
            isinstance(question, Question)
            and isinstance(question.id, str)
            and isinstance(question.prompt, str)
            and are_texts(question.answers)
            and are_texts(question.wrong_answers)
            and isinstance(question.meta, Mapping)
        ):
            refuse(who, question, must)
        return question

    if not isinstance(returned, Iterable) or isinstance(returned, str | Mapping):
        refuse(who, returned, must)
    if isinstance(returned, list | tuple):
        return [checked(question) for question in returned]
    return map(checked, returned)


def samples(
    who: Sampler, returned: Any, /, model: ModelRef, prompts: Sequence[Any], n: int, seed: int
) -> Iterator[list[Generation]]:
    """Of `Sampler.sample`."""
    must = f"a list of {n} Generations for each of {len(prompts)} prompts"
    if not isinstance(returned, Iterable) or isinstance(returned, str | Mapping):
        refuse(who, returned, must)

    def checked() -> Iterator[list[Generation]]:
        count = 0
        for replies in returned:
            count += 1
            if count > len(prompts) or not is_list(replies, n):
                refuse(who, replies, must)
            for reply in replies:
                if not is_generation(reply):
                    what = "Generations with a text, a number of tokens, and a log-probability"
                    refuse(who, reply, f"{what} or None")
            if any(reply.text.strip() for reply in replies):
                check_recorded(who, model)
            yield list(replies)
        if count < len(prompts):
            refuse(who, f"{count} lists", must, as_it_is=True)

    return checked()


def logprobs(
    who: Component, returned: Any, /, model: Any, prompts: Any, completions: Sequence[str]
) -> Any:
    """Of `Sampler.logprobs`."""
    must = (
        f"a list of log-probabilities, numbers of at most 0, for each of {len(completions)} texts"
    )
    if returned is None:
        return None
    if not is_list(returned, len(completions)):
        refuse(who, returned, must)
    for row in returned:
        if not is_list(row) or not all(is_number(value, -math.inf, 1e-3) for value in row):
            refuse(who, row, must)
    return returned


def clusters(
    who: Component, returned: Any, /, question: Question, responses: Sequence[Response]
) -> list[Cluster]:
    """Of `Clusterer.cluster`."""
    must = (
        "a list of Clusters, largest first, whose members are indices of responses with an "
        "answer, each in one cluster, spoken for by one of its members"
    )
    answered = {one.index: one for one in responses if one.answer is not None}
    if not is_list(returned) or not all(isinstance(one, Cluster) for one in returned):
        refuse(who, returned, must)
    members = [index for cluster in returned for index in cluster.members]
    sizes = [len(cluster.members) for cluster in returned]
    sound = all(
        cluster.question_id == question.id
        and cluster.members
        and isinstance(cluster.representative, Response)
        and cluster.representative.index in cluster.members
        and is_number(cluster.share, 0, 1)
        for cluster in returned
    )
    if (
        not sound
        or not set(members) <= answered.keys()
        or len(set(members)) < len(members)
        or sizes != sorted(sizes, reverse=True)
    ):
        shown = [(cluster.question_id, cluster.members, cluster.share) for cluster in returned]
        refuse(who, shown, f"{must} (question '{question.id}')")
    return list(returned)


def rationales(
    who: Component, returned: Any, /, items: Sequence[tuple[Question, Any]]
) -> list[Rationale | None]:
    """Of `RationaleWriter.write`."""
    must = "one Rationale or None for each question, in order, with the question's id and a text"
    written = listed(who, returned, len(items), must)
    for (question, _), rationale in zip(items, written, strict=True):
        if rationale is not None and not (
            isinstance(rationale, Rationale)
            and rationale.question_id == question.id
            and isinstance(rationale.text, str)
        ):
            refuse(who, rationale, f"{must} (question '{question.id}')")
    return written


def target(
    who: Component, returned: Any, /, question: Question, clusters: Sequence[Cluster], correct: Any
) -> Any:
    """Of `Target.target`."""
    if returned is None:
        return None
    response, confidence = returned if is_pair(returned) else (None, None)
    if not (
        isinstance(response, Response)
        and response.question_id in {cluster.question_id for cluster in clusters}
        and is_number(confidence, 0, 1)
    ):
        must = "a Response to the question and a confidence from 0 to 1, or None"
        refuse(who, returned, f"{must} (question '{question.id}')")
    return returned


def same_kind(who: Component, returned: Any, /, *_: Any, **__: Any) -> Any:
    """Of `Target.fit` and `Estimator.fit`."""
    if getattr(returned, "kind", None) != who.kind or isinstance(returned, type):
        refuse(who, returned, f"the {who.kind} that is to be used", "fit")
    return returned


def verdicts(
    who: Component, returned: Any, /, items: Sequence[tuple[Question, str]]
) -> list[float | None]:
    """Of `Judge.judge`."""
    must = "one correctness from 0 to 1, or None, for each answer, in order"
    judged = listed(who, returned, len(items), must)
    for correct in judged:
        if correct is not None and not is_number(correct, 0, 1):
            refuse(who, correct, must)
    return [None if correct is None else float(correct) for correct in judged]


def predictions(
    who: Component, returned: Any, /, model: Any, questions: Sequence[Question], context: Any
) -> Iterator[Prediction]:
    """Of `Estimator.estimate`."""
    must = f"one Prediction for each of {len(questions)} questions, in order, with its id"
    if not isinstance(returned, Iterable) or isinstance(returned, str | Mapping):
        refuse(who, returned, must)

    def checked() -> Iterator[Prediction]:
        count = 0
        for prediction in returned:
            if count == len(questions) or not (
                isinstance(prediction, Prediction) and prediction.question_id == questions[count].id
            ):
                refuse(who, prediction, must)
            if not is_prediction(prediction):
                what = "Predictions with texts, a confidence from 0 to 1 or None, shares"
                refuse(who, prediction, f"{what} and a number of tokens")
            count += 1
            yield prediction
        if count < len(questions):
            refuse(who, f"{count} predictions", must, as_it_is=True)

    return checked()


def value(who: Component, returned: Any, /, *_: Any, **__: Any) -> Any:
    """Of `Metric.compute`."""
    if not isinstance(returned, Real):
        refuse(who, returned, "a number, NaN where it is not defined")
    return returned


def values(who: Component, returned: Any, /, predictions: Any, weights: Any) -> Any:
    """Of `Metric.resampled`."""
    import numpy as np

    given = np.asarray(returned)
    if given.shape != (len(weights),) or given.dtype.kind not in "fiub":
        shown = f"an array of shape {given.shape} and type {given.dtype}"
        refuse(who, shown, f"an array of {len(weights)} numbers", "resampled", as_it_is=True)
    return returned


def prompt(who: Component, returned: Any, /, question: Question) -> Any:
    """Of `Format.prompt`."""
    if not (
        is_list(returned)
        and returned
        and all(
            isinstance(turn, Mapping)
            and turn.get("role") in ROLES
            and isinstance(turn.get("content"), str)
            for turn in returned
        )
    ):
        must = "a list of messages with a role (system, user or assistant) and a content"
        refuse(who, returned, must, "prompt")
    return returned


def text(who: Component, returned: Any, /, *_: Any, **__: Any) -> Any:
    """Of `Format.render` and `Format.reasoning`."""
    if not isinstance(returned, str):
        refuse(who, returned, "a text", "render")
    return returned


def parsed(who: Component, returned: Any, /, *_: Any, **__: Any) -> Any:
    """Of `Format.parse`."""
    sound = isinstance(returned, tuple) and len(returned) == 3 and hasattr(returned, "confidence")
    if not (
        sound
        and isinstance(returned[0], str | None)
        and isinstance(returned[1], str | None)
        and (returned[2] is None or is_number(returned[2], 0, 1))
    ):
        must = "Parsed(answer, rationale, confidence): texts or None, and 0 to 1 or None"
        refuse(who, returned, must, "parse")
    return returned


def results(who: Component, returned: Any, /, function: Any, shards: Iterable[Any]) -> Any:
    """Of `Engine.map`."""
    must = "the result of every shard, in order"
    if not isinstance(returned, Iterable):
        refuse(who, returned, must)
    if not isinstance(shards, Sequence):
        return returned

    def checked() -> Iterator[Any]:
        count = 0
        for count, result in enumerate(returned, 1):
            if count > len(shards):
                break
            yield result
        if count != len(shards):
            shown = f"{count} results for {len(shards)} shards"
            refuse(who, shown, must, as_it_is=True)

    return checked()


CHECKS: dict[str, dict[str, Callable[..., Any]]] = {
    "model": {"prepare": model_ref, "work": work},
    "source": {"questions": questions},
    "sampler": {"sample": samples, "logprobs": logprobs},
    "clusterer": {"cluster": clusters},
    "rationale": {"write": rationales},
    "target": {"fit": same_kind, "target": target},
    "format": {"prompt": prompt, "render": text, "parse": parsed, "reasoning": text},
    "judge": {"judge": verdicts},
    "trainer": {"train": model_ref, "work": work},
    "estimator": {"fit": same_kind, "estimate": predictions},
    "metric": {"compute": value, "resampled": values},
    "engine": {"map": results},
}
