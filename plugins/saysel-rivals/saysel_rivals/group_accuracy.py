"""GCE's target (arXiv 2205.14334): how often the model is right on questions of this group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from pydantic import Field, PrivateAttr
from typing_extensions import Self

from saysel.interfaces import Target
from saysel.records import Cluster, Question, Response
from saysel_rivals.expected_accuracy import answer, expected_accuracy


class GroupAccuracyTarget(Target):
    """Learn a right answer, or the usual one, with the mean accuracy of the question's group.

    A group is what shares a label in the questions' `meta`, such as the relation of a fact; a
    question without the label belongs to no group and gives no example.
    """

    label: str = Field(min_length=1, description="key of the questions' meta that names the group")

    _accuracy: Mapping[str, float] = PrivateAttr(default_factory=dict)

    def fit(
        self, items: Sequence[tuple[Question, Sequence[Cluster], Sequence[float | None]]]
    ) -> Self:
        groups = defaultdict(list)
        for question, clusters, correct in items:
            share = expected_accuracy(clusters, correct)
            if share is not None and self.label in question.meta:
                groups[str(question.meta[self.label])].append(share)
        fitted = self.model_copy()
        fitted._accuracy = {group: sum(all) / len(all) for group, all in groups.items()}
        return fitted

    def target(
        self, question: Question, clusters: Sequence[Cluster], correct: Sequence[float | None]
    ) -> tuple[Response, float] | None:
        accuracy = self._accuracy.get(str(question.meta.get(self.label)))
        if accuracy is None or not clusters:
            return None
        return answer(clusters, correct), accuracy
