"""What estimators share that are fitted on a split, and that wrap another estimator."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from saysel.errors import UsageError
from saysel.interfaces import Estimator, Format, Prompt
from saysel.records import Question


class WrappingEstimator(Estimator):
    """Base of estimators that change what another one predicts, fitted on the questions of a split.

    It needs what the wrapped estimator needs.
    """

    estimator: Estimator
    split: str

    def replies(self) -> int:
        return self.estimator.replies()

    def fitting_replies(self) -> int:
        # Its own split gets the wrapped estimator's replies, that of the wrapped one those for its
        # fitting. One number for both is enough for either.
        return max(self.estimator.replies(), self.estimator.fitting_replies())

    def splits(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.split, *self.estimator.splits())))

    def needs_logprobs(self) -> bool:
        return self.estimator.needs_logprobs()

    def needs_choices(self) -> bool:
        return self.estimator.needs_choices()

    def needs_weights(self) -> bool:
        return self.estimator.needs_weights()

    def needs_confidence(self) -> bool:
        return self.estimator.needs_confidence()

    def chats(self, question: Question, format: Format) -> Sequence[Prompt]:
        return self.estimator.chats(question, format)


def check_fitted(name: str, fitted_on: Collection[str]) -> None:
    """Check that an estimator is fitted.

    Raises:
        UsageError: it is not.
    """
    if not fitted_on:
        raise UsageError(f"the estimator '{name}' must be fitted first: estimator.fit(…)")


def check_unseen(question_id: str, fitted_on: Collection[str], purpose: str, split: str) -> None:
    """Check that a question is none of those that an estimator was fitted on.

    Args:
        purpose: what those were used for, for the message.
        split: whose questions they are.

    Raises:
        UsageError: it is one of them.
    """
    if question_id in fitted_on:
        raise UsageError(
            f"question '{question_id}' was used to {purpose} (split '{split}'): evaluate it on "
            "other questions"
        )
