"""Another estimator that declines where its confidence is too low (arXiv 2110.01052)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pydantic import Field, PrivateAttr
from typing_extensions import Self

from saysel.estimators.fitted import WrappingEstimator, check_fitted, check_unseen
from saysel.interfaces import EstimationContext, Estimator, FingerprintedIfSet
from saysel.records import ModelRef, Prediction, Question
from saysel.replies.counts import count_replies, read_reply
from saysel.scoring import clusters_of, to_arrays
from saysel.scoring.risk_control import DELTA, Threshold, safe_threshold

log = logging.getLogger(__name__)

#: What the questions of the split are used for, in messages.
PURPOSE = "choose the threshold of 'answer_or_abstain'"


class AnswerOrAbstainEstimator(WrappingEstimator):
    """Another estimator, whose answers below a threshold are withheld as declined replies.

    The threshold is the lowest confidence at which at most a share `risk` of the given answers is
    wrong. It is chosen on the judged answers to the questions of `split`, with a guarantee: the
    share holds for questions of the same kind with probability 1 - `delta` (learn then test, with
    Clopper-Pearson bounds of the error rate). If there is no such confidence, every answer is
    withheld, with a warning.

    The questions of `split` are taken to be independent. If they belong together, name what groups
    them with `cluster`: a cluster then counts as one answer. The probability is approximate if
    clusters have different sizes.

    A reply without a confidence is withheld too. The tokens are those of the wrapped estimator;
    choosing the threshold costs as many for every question of `split`, once.
    """

    estimator: Estimator = Field(description="estimator whose answers are given or withheld")
    risk: float = Field(
        0.1, gt=0, lt=1, description="largest share of wrong answers among those given"
    )
    delta: float = Field(DELTA, gt=0, lt=1, description="probability that the guarantee fails")
    split: str = Field(
        "dev", min_length=1, description="split on whose questions the threshold is chosen"
    )

    cluster: FingerprintedIfSet[str | None] = Field(
        None,
        min_length=1,
        description="entry of the questions' `meta` that groups related questions of `split`, as "
        "in evaluate.cluster; null: they are independent",
    )

    _threshold: Threshold | None = PrivateAttr(None)
    _fitted_on: frozenset[str] = PrivateAttr(frozenset())

    def fit(self, model: ModelRef, context: EstimationContext) -> Self:
        """Answer and judge the questions of `split`; warns if no threshold keeps the risk."""
        estimator = self.estimator.fit(model, context)
        questions = list(context.questions(self.split))
        clusters = clusters_of(questions, self.cluster)
        predictions = list(estimator.estimate(model, questions, context))
        correct = context.judge.judge_answers(
            [(question, p.answer) for question, p in zip(questions, predictions, strict=True)],
            [prediction.declined for prediction in predictions],
        )
        judged = [replace(p, correct=y) for p, y in zip(predictions, correct, strict=True)]
        fitted = self.model_copy(update={"estimator": estimator})
        fitted._threshold = safe_threshold(to_arrays(judged, clusters), self.risk, self.delta)
        if fitted._threshold is None:
            log.warning(
                "answer_or_abstain: no confidence keeps the share of wrong answers at %g on the %d "
                "questions of the split '%s': every answer is withheld; allow a larger risk, or "
                "use more questions or clusters",
                self.risk,
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
        check_fitted("answer_or_abstain", self._fitted_on)
        for prediction in self.estimator.estimate(model, questions, context):
            check_unseen(prediction.question_id, self._fitted_on, PURPOSE, self.split)
            if self._threshold is not None and self._threshold.accepts(prediction.confidence):
                yield prediction
            else:
                yield self._withheld(prediction)

    def _withheld(self, prediction: Prediction) -> Prediction:
        """The prediction as a declined one; its reply is counted as what it was."""
        own = count_replies([read_reply(prediction)], self.needs_confidence())
        return replace(
            prediction,
            answer=None,
            confidence=None,
            declined=True,
            reply_counts=prediction.reply_counts or own,
        )
