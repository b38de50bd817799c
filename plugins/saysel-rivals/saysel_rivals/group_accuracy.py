"""Group accuracy (GCE; Lin et al., arXiv 2205.14334): how often similar questions are got right.

The paper groups sums by the kind of task that they are; other questions carry no such label, and
are grouped by the embedding of their text. Deviation: the accuracy is that of the most frequent
answer in place of the greedy one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field, PrivateAttr
from typing_extensions import Self

from saysel.errors import DataError
from saysel.hf import sentence_embeddings
from saysel.interfaces import NotFingerprinted, Target
from saysel.records import Cluster, Question, Response


class GroupAccuracyTarget(Target):
    """Learn the most frequent answer, with the accuracy of the question's group.

    c(q) = mean correctness of the most frequent answers to the questions in the group of q, in
    [0, 1]; those that could not be judged do not count, and a group without any that could gives
    no examples. Groups are the values of `label`, or, without it, `ceil(questions / size)`
    clusters of the questions' embeddings. A question counts itself: small groups give back what
    happened to be right instead of a chance.
    """

    label: str | None = Field(
        None, min_length=1, description="key of the questions' meta whose values are the groups"
    )
    size: int = Field(50, ge=1, description="questions in a group on average, without `label`")
    method: Literal["kmeans", "agglomerative"] = Field(
        "kmeans", description="how embeddings are grouped; agglomerative is Ward's"
    )
    model: str = Field(
        "sentence-transformers/all-MiniLM-L6-v2",
        min_length=1,
        description="sentence model: hub id or directory",
    )
    revision: str | None = Field(None, description="commit or tag of the hub repository")
    instruction: str = Field(
        "", description="put before every question, for models that were trained with one"
    )
    batch_size: NotFingerprinted[int] = Field(
        64, ge=1, description="questions embedded side by side"
    )

    _accuracies: Mapping[str, float] = PrivateAttr(default_factory=dict)

    def check_installed(self) -> None:
        if self.label is None:
            sentence_embeddings.check_installed()

    def fit(
        self, items: Sequence[tuple[Question, Sequence[Cluster], Sequence[float | None]]]
    ) -> Self:
        """Group the questions and count what is right.

        Raises:
            DataError: a question lacks the label, or the sentence model cannot be loaded.
            MissingExtra: sentence-transformers is not installed, and there is no `label`.
        """
        asked = [question for question, _, _ in items]
        label = self.label
        groups = self._embedded(asked) if label is None else [labelled(one, label) for one in asked]
        judged = defaultdict(list)
        for group, (_, _, correct) in zip(groups, items, strict=True):
            if correct and correct[0] is not None:
                judged[group].append(correct[0])
        means = {group: sum(values) / len(values) for group, values in judged.items()}
        fitted = self.model_copy()
        fitted._accuracies = {
            question.id: means[group]
            for group, question in zip(groups, asked, strict=True)
            if group in means
        }
        return fitted

    def target(
        self, question: Question, clusters: Sequence[Cluster], correct: Sequence[float | None]
    ) -> tuple[Response, float] | None:
        """See the interface; a question that `fit` has not seen gives no example."""
        if not clusters or question.id not in self._accuracies:
            return None
        return clusters[0].representative, self._accuracies[question.id]

    def _embedded(self, questions: Sequence[Question]) -> list[str]:
        if len(questions) < 2:
            return ["all"] * len(questions)
        from sklearn.cluster import AgglomerativeClustering, KMeans

        texts = [question.prompt for question in questions]
        embedder = sentence_embeddings.resident(self.model, self.revision)
        vectors = embedder.vectors(texts, self.instruction, self.batch_size)
        # Never more groups than different questions.
        count = min(-(-len(texts) // self.size), len(set(texts)))
        grouping = (
            KMeans(count, n_init=10, random_state=0)
            if self.method == "kmeans"
            else AgglomerativeClustering(count)
        )
        return [str(group) for group in grouping.fit_predict(vectors)]


def labelled(question: Question, label: str) -> str:
    """The group that a question's meta names.

    Raises:
        DataError: it has no such key.
    """
    if label not in question.meta:
        raise DataError(
            f"group_accuracy: the question '{question.id}' has no '{label}' in its meta, only "
            f"{', '.join(question.meta) or 'nothing'}: choose another `label`, or none to group "
            "by embedding"
        )
    return str(question.meta[label])
