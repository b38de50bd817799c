"""A linear probe on hidden states: P(IK) (arXiv 2207.05221) and SEP (arXiv 2406.15927)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pydantic import Field, PrivateAttr
from typing_extensions import Self

from saysel.estimators.fitted import check_fitted, check_unseen
from saysel.estimators.likelihood import answer_span
from saysel.estimators.sampling import single_replies
from saysel.estimators.semantic_entropy import SemanticEntropyEstimator
from saysel.interfaces import EstimationContext, Estimator
from saysel.records import Generation, ModelRef, Prediction, Question

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

log = logging.getLogger(__name__)

#: Inverse strengths of the L2 penalty that cross-validation chooses from.
PENALTIES = tuple(10.0**power for power in range(-6, 1))
FOLDS = 5


class ProbeEstimator(Estimator):
    """One reply; the confidence is read from a hidden state by a logistic regression.

    The regression is fitted on the questions of `split`, which the model answers once. It reads
    the state of one layer (`layer`) at one token:

    - `token: prompt`: the last token of the prompt, before the model has said anything
    - `token: answer`: the token before the last one of the answer

    and predicts

    - `target: correct`: whether the answer is correct. With the token `prompt`, this is P(IK), "I
      know".
    - `target: entropy`: whether `samples` replies to the question have a low semantic entropy,
      which needs no reference answers. With the token `answer`, this is the semantic-entropy
      probe. The boundary between low and high is the one with the least squared error within both
      sides. It does not estimate correctness, so it ranks answers rather than calibrating them.

    States are standardised; five-fold cross-validation chooses the L2 penalty by log loss. The
    model has to be on this machine. Without a readable answer there is no confidence.

    Deviations: P(IK) in the paper is trained with the whole model, on the share of correct answers
    among 30 samples.
    """

    target: Literal["correct", "entropy"] = Field("correct", description="what is predicted")
    token: Literal["prompt", "answer"] = Field(
        "prompt", description="token whose hidden state is read"
    )
    layer: float = Field(
        0.75, gt=0, le=1, description="layer that is read, as a share of all layers; 1: the last"
    )
    samples: int = Field(
        10, ge=2, description="with entropy: replies sampled to each question of `split`"
    )
    split: str = Field("dev", min_length=1, description="split whose questions it is fitted on")

    _probe: LinearProbe | None = PrivateAttr(None)
    _fitted_on: frozenset[str] = PrivateAttr(frozenset())

    def splits(self) -> tuple[str, ...]:
        return (self.split,)

    def fitting_replies(self) -> int:
        return 1 + self.samples if self.target == "entropy" else 1

    def needs_weights(self) -> bool:
        return True

    def needs_confidence(self) -> bool:
        return False

    def fit(self, model: ModelRef, context: EstimationContext) -> Self:
        """Answer the questions of `split` and fit; warns if there is nothing to tell apart."""
        questions = list(context.questions(self.split))
        replies = list(single_replies(model, questions, context))
        labels = self._labels(model, questions, [prediction for prediction, _ in replies], context)
        states = self._states(model, questions, [reply for _, reply in replies], context)
        rows = [row for row in states if labels[row] is not None]
        fitted = self.model_copy()
        fitted._fitted_on = frozenset(question.id for question in questions)
        if len({labels[row] for row in rows}) == 2:
            fitted._probe = fit_probe(
                [states[row] for row in rows], [bool(labels[r]) for r in rows]
            )
        else:
            log.warning(
                "probe: the %d usable answers to the %d questions of the split '%s' are all of "
                "one kind; every confidence is missing",
                len(rows),
                len(questions),
                self.split,
            )
        return fitted

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        """See the interface.

        Raises:
            UsageError: it is not fitted, or was fitted on one of the questions.
        """
        check_fitted("probe", self._fitted_on)
        for question in questions:
            check_unseen(question.id, self._fitted_on, "fit the estimator 'probe'", self.split)
        replies = list(single_replies(model, questions, context))
        states = self._states(model, questions, [reply for _, reply in replies], context)
        for row, (prediction, _) in enumerate(replies):
            known = self._probe is not None and row in states
            confidence = self._probe(states[row]) if self._probe and known else None
            yield replace(prediction, confidence=confidence)

    def _labels(
        self,
        model: ModelRef,
        questions: Sequence[Question],
        predictions: Sequence[Prediction],
        context: EstimationContext,
    ) -> list[bool | None]:
        """Whether each answer is correct, or each question's entropy low; `None` if unknown."""
        if self.target == "correct":
            answers = [prediction.answer for prediction in predictions]
            correct = context.judge.judge_answers(list(zip(questions, answers, strict=True)))
            return [None if y is None else y >= 0.5 for y in correct]
        sampled = SemanticEntropyEstimator(n=self.samples).estimate(
            model, questions, replace(context, seed=context.seed + 1)
        )
        certain = [prediction.confidence for prediction in sampled]
        boundary = best_boundary([value for value in certain if value is not None])
        return [None if value is None else value >= boundary for value in certain]

    def _states(
        self,
        model: ModelRef,
        questions: Sequence[Question],
        replies: Sequence[Generation],
        context: EstimationContext,
    ) -> dict[int, Array]:
        """The hidden state for each reply with an answer, by its row."""
        from saysel.hf.layer_states import prompt_states, reply_states

        spans = [answer_span(context.format, reply.text, reply.cut) for reply in replies]
        rows = [row for row, span in enumerate(spans) if span is not None]
        prompts = [context.format.prompt(questions[row]) for row in rows]
        if self.token == "prompt":
            states = prompt_states(model, prompts, self.layer)
        else:
            until = [replies[row].text[: (spans[row] or (0, 0))[1]] for row in rows]
            states = reply_states(model, prompts, until, self.layer)
        return dict(zip(rows, states.astype("float64"), strict=True))


@dataclass(frozen=True)
class LinearProbe:
    """σ of a weighted sum of standardised features; a class, so that it can be pickled.

    Attributes:
        mean, scale, weights: of each feature, [H].
        bias: added to the sum.
    """

    mean: Array
    scale: Array
    weights: Array
    bias: float

    def __call__(self, state: Array) -> float:
        from scipy.special import expit

        return float(expit((state - self.mean) / self.scale @ self.weights + self.bias))


def fit_probe(states: Sequence[Array], labels: Sequence[bool]) -> LinearProbe:
    """The logistic regression from hidden states, [N, H], to labels of both kinds."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    x, y = np.stack(states), np.array(labels)
    mean, scale = x.mean(0), x.std(0)
    scale[scale == 0] = 1
    x = (x - mean) / scale
    folds = min(FOLDS, int(y.sum()), int((~y).sum()))

    def loss(penalty: float) -> float:
        splitter = StratifiedKFold(folds, shuffle=True, random_state=0)
        model = LogisticRegression(C=penalty, max_iter=1000)
        chances = cross_val_predict(model, x, y, cv=splitter, method="predict_proba")
        return float(log_loss(y, chances))

    best = min(PENALTIES, key=loss) if folds > 1 else PENALTIES[0]
    fitted = LogisticRegression(C=best, max_iter=1000).fit(x, y)
    return LinearProbe(mean, scale, fitted.coef_[0], float(fitted.intercept_[0]))


def best_boundary(values: Sequence[float]) -> float:
    """The least value of the upper part when values are split with the least squared error.

    With fewer than two distinct values there is nothing to split, and all are in the upper part.
    """
    import numpy as np

    ordered = np.sort(np.array(values, dtype=np.float64))
    distinct = np.unique(ordered)

    def error(boundary: float) -> float:
        parts = ordered[ordered < boundary], ordered[ordered >= boundary]
        return float(sum(((part - part.mean()) ** 2).sum() for part in parts))

    return float(min(distinct[1:], key=error, default=float(distinct[0]) if values else 0.0))
