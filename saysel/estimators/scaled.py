"""Another estimator's confidence, rescaled on questions that nobody is judged on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, PrivateAttr
from typing_extensions import Self

from saysel.errors import UsageError
from saysel.interfaces import EstimationContext, Estimator
from saysel.records import ModelRef, Prediction, Question

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

log = logging.getLogger(__name__)

#: Confidences are kept this far from 0 and 1 where their logarithm is taken.
EDGE = 1e-3
#: Weights and intercept stay within it where right and wrong answers can be told apart for sure.
LARGEST = 50.0


class ScaledEstimator(Estimator):
    """Another estimator, its confidence mapped by a curve fitted on a split of its own.

    With l = log(c / (1 - c)) and σ the logistic function, the mapped confidence is

    - `temperature`: σ(l / T), T > 0 (arXiv 1706.04599)
    - `platt`: σ(a l + b), a ≥ 0, fitted to Platt's smoothed targets (N₊ + 1) / (N₊ + 2) and
      1 / (N₋ + 2) (Platt 1999)
    - `beta`: σ(a log c - b log(1 - c) + m), a, b ≥ 0 (Kull, Silva Filho & Flach 2017)
    - `isotonic`: the best non-decreasing step function, linear in between (Zadrozny & Elkan 2002)

    the first three fitted by maximum likelihood and the last by least squares, on the judged
    answers of `split`. c is kept in [0.001, 0.999] where a logarithm is taken. All of them keep
    the order of confidences (`isotonic` may make neighbours equal), so that they can mend
    calibration and not discrimination. A missing confidence stays missing; all are where no
    answer of `split` has a confidence to fit on. Tokens are those of the wrapped estimator for
    the question itself; the fit costs as many again for every question of `split`, once.
    """

    estimator: Estimator = Field(description="whose confidence is rescaled")
    method: Literal["temperature", "platt", "beta", "isotonic"] = Field(
        "temperature", description="which curve"
    )
    split: str = Field("dev", min_length=1, description="the questions to fit on")

    _curve: Callable[[Array], Array] | None = PrivateAttr(None)
    _fitted_on: frozenset[str] = PrivateAttr(frozenset())

    def replies(self) -> int:
        return self.estimator.replies()

    def splits(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.split, *self.estimator.splits())))

    def needs_logprobs(self) -> bool:
        return self.estimator.needs_logprobs()

    def fit(self, model: ModelRef, context: EstimationContext) -> Self:
        """Ask, judge and fit; say so where there is nothing to fit on."""
        inner = self.estimator.fit(model, context)
        questions = list(context.questions(self.split))
        made = list(inner.estimate(model, questions, context))
        stated, correct = _judged(questions, made, context)
        fitted = self.model_copy(update={"estimator": inner})
        if stated:
            fitted._curve = curve(self.method, stated, correct)
        else:
            log.warning(
                "scaled: none of the %d answers of the split '%s' has a readable confidence and a "
                "judgement; without a curve every confidence is missing",
                len(questions),
                self.split,
            )
        fitted._fitted_on = frozenset(question.id for question in questions)
        return fitted

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        """See the interface.

        Raises:
            UsageError: it is not fitted, or was fitted on one of the questions.
        """
        import numpy as np

        if not self._fitted_on:
            raise UsageError("a scaled estimator has to be fitted first: estimator.fit(…)")
        for prediction in self.estimator.estimate(model, questions, context):
            if prediction.question_id in self._fitted_on:
                raise UsageError(
                    f"question '{prediction.question_id}' is one that the scaling was fitted on "
                    f"(split '{self.split}'): judge it on others"
                )
            mapped = None
            if prediction.confidence is not None and self._curve is not None:
                mapped = float(self._curve(np.array([prediction.confidence]))[0])
            yield replace(prediction, confidence=mapped)


def _judged(
    questions: Sequence[Question], made: Sequence[Prediction], context: EstimationContext
) -> tuple[list[float], list[float]]:
    """Confidence and correctness of every answer that has both."""
    asked = {question.id: question for question in questions}
    stated = [one for one in made if one.confidence is not None]
    answered = [(asked[one.question_id], one.answer) for one in stated if one.answer is not None]
    verdicts = iter(context.judge.judge(answered))
    correct = [0.0 if one.answer is None else next(verdicts) for one in stated]
    pairs = [
        (one.confidence, y)
        for one, y in zip(stated, correct, strict=True)
        if one.confidence is not None and y is not None
    ]
    return [c for c, _ in pairs], [y for _, y in pairs]


class Logistic:
    """σ of a weighted sum of logarithms; a class, so that it can be sent to other processes."""

    def __init__(self, method: str, weights: Any) -> None:
        self.method, self.weights = method, weights

    def __call__(self, confidence: Array) -> Array:
        from scipy.special import expit

        mapped: Array = expit(features(self.method, confidence) @ self.weights)
        return mapped


def features(method: str, confidence: Array) -> Array:
    """The columns that a method weights, [N, K]; the intercept is the last."""
    import numpy as np

    c = np.clip(confidence, EDGE, 1 - EDGE)
    one = np.ones_like(c)
    columns = {
        "temperature": [np.log(c / (1 - c))],
        "platt": [np.log(c / (1 - c)), one],
        "beta": [np.log(c), -np.log(1 - c), one],
    }
    return np.stack(columns[method], axis=1)


def curve(
    method: str, confidence: Sequence[float], correct: Sequence[float]
) -> Callable[[Array], Array]:
    """The fitted curve, from confidences in [0, 1] to confidences in [0, 1]."""
    import numpy as np

    c, y = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    if method == "isotonic":
        from sklearn.isotonic import IsotonicRegression

        isotonic = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(c, y)
        stepwise: Callable[[Array], Array] = isotonic.predict
        return stepwise
    from scipy.optimize import minimize

    x = features(method, c)
    if method == "platt":
        right, wrong = y.sum(), (1 - y).sum()
        y = y * (right + 1) / (right + 2) + (1 - y) / (wrong + 2)
    # Confidence never counts the wrong way round; the intercept may have either sign.
    bounds = [(0.0, LARGEST)] * x.shape[1]
    if method != "temperature":
        bounds[-1] = (-LARGEST, LARGEST)

    def loss(weights: Array) -> tuple[float, Array]:
        z = x @ weights
        mean = (np.logaddexp(0, z) - y * z).mean()
        return float(mean), x.T @ (1 / (1 + np.exp(-z)) - y) / len(y)

    start = np.ones(x.shape[1])
    if method != "temperature":
        start[-1] = 0
    found = minimize(
        loss, start, jac=True, bounds=bounds, method="L-BFGS-B", options={"ftol": 1e-14}
    )
    return Logistic(method, found.x)
