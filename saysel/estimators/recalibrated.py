"""Another estimator's confidence, recalibrated on questions of a separate split."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, PrivateAttr
from typing_extensions import Self

from saysel.estimators.fitted import WrappingEstimator, check_fitted, check_unseen
from saysel.interfaces import EstimationContext, Estimator
from saysel.records import ModelRef, Prediction, Question

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

log = logging.getLogger(__name__)

#: What the questions of the split are used for, in messages.
PURPOSE = "fit the estimator 'recalibrated'"

#: Confidences are clipped to at least this distance from 0 and 1 before taking logarithms.
EDGE = 1e-3
#: Bound of weights and intercept, which would be infinite for perfectly separable answers.
MAX_WEIGHT = 50.0


class RecalibratedEstimator(WrappingEstimator):
    """Another estimator, its confidence mapped by a curve fitted on a separate split.

    With l = log(c / (1 - c)) and σ the logistic function, the mapped confidence is

    - `temperature`: σ(l / T), T > 0 (arXiv 1706.04599)
    - `platt`: σ(a l + b), a ≥ 0, fitted to Platt's smoothed targets (N₊ + 1) / (N₊ + 2) and
      1 / (N₋ + 2) (Platt 1999)
    - `beta`: σ(a log c - b log(1 - c) + m), a, b ≥ 0 (Kull, Silva Filho & Flach 2017)
    - `isotonic`: the best non-decreasing step function, linear in between (Zadrozny & Elkan 2002)

    The first three are fitted by maximum likelihood and the last by least squares, on the judged
    answers to the questions of `split`. c is clipped to [0.001, 0.999] before taking logarithms.
    All curves preserve the order of confidences (`isotonic` may make neighbours equal), so they
    can improve calibration but not discrimination. A missing confidence stays missing; if no
    answer of `split` has a confidence to fit on, all confidences are missing. The tokens are those
    of the wrapped estimator for the question itself; fitting costs as many for every question of
    `split`, once.
    """

    estimator: Estimator = Field(description="estimator whose confidence is recalibrated")
    method: Literal["temperature", "platt", "beta", "isotonic"] = Field(
        "temperature", description="type of curve"
    )
    split: str = Field("dev", min_length=1, description="split whose questions it is fitted on")

    _curve: Callable[[Array], Array] | None = PrivateAttr(None)
    _fitted_on: frozenset[str] = PrivateAttr(frozenset())

    def fit(self, model: ModelRef, context: EstimationContext) -> Self:
        """Answer, judge and fit the questions of `split`; warns if there is nothing to fit on."""
        estimator = self.estimator.fit(model, context)
        questions = list(context.questions(self.split))
        predictions = list(estimator.estimate(model, questions, context))
        confidences, correct = judged_pairs(questions, predictions, context)
        fitted = self.model_copy(update={"estimator": estimator})
        if confidences:
            fitted._curve = fit_curve(self.method, confidences, correct)
        else:
            log.warning(
                "recalibrated: none of the %d answers of the split '%s' has both a readable "
                "confidence and a judgement; without a curve, every confidence is missing",
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

        check_fitted("recalibrated", self._fitted_on)
        for prediction in self.estimator.estimate(model, questions, context):
            check_unseen(prediction.question_id, self._fitted_on, PURPOSE, self.split)
            confidence = None
            if prediction.confidence is not None and self._curve is not None:
                confidence = float(self._curve(np.array([prediction.confidence]))[0])
            yield replace(prediction, confidence=confidence)


def judged_pairs(
    questions: Sequence[Question], predictions: Sequence[Prediction], context: EstimationContext
) -> tuple[list[float], list[float]]:
    """Confidence and correctness of every prediction that has both."""
    by_id = {question.id: question for question in questions}
    stated = [prediction for prediction in predictions if prediction.confidence is not None]
    correct = context.judge.judge_answers([(by_id[p.question_id], p.answer) for p in stated])
    pairs = [
        (prediction.confidence, y)
        for prediction, y in zip(stated, correct, strict=True)
        if prediction.confidence is not None and y is not None
    ]
    return [c for c, _ in pairs], [y for _, y in pairs]


class LogisticCurve:
    """σ of a weighted sum of logarithms; a class, so that it can be pickled."""

    def __init__(self, method: str, weights: Any) -> None:
        self.method, self.weights = method, weights

    def __call__(self, confidence: Array) -> Array:
        from scipy.special import expit

        mapped: Array = expit(features(self.method, confidence) @ self.weights)
        return mapped


def features(method: str, confidence: Array) -> Array:
    """The columns that a method weights, [N, K]; the last one is the intercept, if it has one."""
    import numpy as np

    c = np.clip(confidence, EDGE, 1 - EDGE)
    ones = np.ones_like(c)
    columns = {
        "temperature": [np.log(c / (1 - c))],
        "platt": [np.log(c / (1 - c)), ones],
        "beta": [np.log(c), -np.log(1 - c), ones],
    }
    return np.stack(columns[method], axis=1)


def fit_curve(
    method: str, confidence: Sequence[float], correct: Sequence[float]
) -> Callable[[Array], Array]:
    """The fitted curve, from confidences in [0, 1] to confidences in [0, 1]."""
    import numpy as np

    c, y = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    if method == "isotonic":
        from sklearn.isotonic import IsotonicRegression

        isotonic = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(c, y)
        step_function: Callable[[Array], Array] = isotonic.predict
        return step_function
    if method == "platt":
        right, wrong = y.sum(), (1 - y).sum()
        y = y * (right + 1) / (right + 2) + (1 - y) / (wrong + 2)
    return LogisticCurve(method, _fit_logistic(features(method, c), y, method != "temperature"))


def _fit_logistic(x: Array, y: Array, intercept: bool) -> Any:
    """The K weights of a logistic regression by maximum likelihood.

    Args:
        x: features, [N, K].
        y: targets in [0, 1], [N].
        intercept: whether the last feature is the intercept, which may be negative. The other
            weights may not: a higher confidence never means a lower one.
    """
    import numpy as np
    from scipy.optimize import minimize

    def loss(weights: Array) -> tuple[float, Array]:
        z = x @ weights
        mean = (np.logaddexp(0, z) - y * z).mean()
        return float(mean), x.T @ (1 / (1 + np.exp(-z)) - y) / len(y)

    bounds = [(0.0, MAX_WEIGHT)] * x.shape[1]
    start = np.ones(x.shape[1])
    if intercept:
        bounds[-1] = (-MAX_WEIGHT, MAX_WEIGHT)
        start[-1] = 0
    return minimize(
        loss, start, jac=True, bounds=bounds, method="L-BFGS-B", options={"ftol": 1e-14}
    ).x
