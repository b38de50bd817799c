"""Contracts of estimators, metrics and engines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

from saysel.contracts.returned import is_prediction, refuse
from saysel.records import Prediction, Question

if TYPE_CHECKING:
    from saysel.interfaces import Component


def predictions(
    component: Component,
    returned: Any,
    /,
    model: Any,
    questions: Sequence[Question],
    context: Any,
) -> Iterator[Prediction]:
    """Of `Estimator.estimate`."""
    required = f"one Prediction for each of {len(questions)} questions, in order, with its id"
    if not isinstance(returned, Iterable) or isinstance(returned, str | Mapping):
        refuse(component, returned, required)

    def checked() -> Iterator[Prediction]:
        count = 0
        for prediction in returned:
            if count == len(questions) or not (
                isinstance(prediction, Prediction) and prediction.question_id == questions[count].id
            ):
                refuse(component, prediction, required)
            if not is_prediction(prediction):
                parts = "Predictions with texts, a confidence from 0 to 1 or None, shares"
                refuse(component, prediction, f"{parts} and a number of tokens")
            count += 1
            yield prediction
        if count < len(questions):
            refuse(component, f"{count} predictions", required, verbatim=True)

    return checked()


def value(component: Component, returned: Any, /, *_: Any, **__: Any) -> Any:
    """Of `Metric.compute`."""
    if not isinstance(returned, Real):
        refuse(component, returned, "a number, NaN where it is undefined")
    return returned


def values(component: Component, returned: Any, /, predictions: Any, weights: Any) -> Any:
    """Of `Metric.resampled`."""
    import numpy as np

    array = np.asarray(returned)
    if array.shape != (len(weights),) or array.dtype.kind not in "fiub":
        summary = f"an array of shape {array.shape} and type {array.dtype}"
        required = f"an array of {len(weights)} numbers"
        refuse(component, summary, required, "resampled", verbatim=True)
    return returned


def results(component: Component, returned: Any, /, function: Any, shards: Iterable[Any]) -> Any:
    """Of `Engine.map`."""
    required = "the result of every shard, in order"
    if not isinstance(returned, Iterable):
        refuse(component, returned, required)
    if not isinstance(shards, Sequence):
        return returned

    def checked() -> Iterator[Any]:
        count = 0
        for count, result in enumerate(returned, 1):
            if count > len(shards):
                break
            yield result
        if count != len(shards):
            summary = f"{count} results for {len(shards)} shards"
            refuse(component, summary, required, verbatim=True)

    return checked()
