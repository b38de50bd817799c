"""Group accuracy (GCE; Lin et al., arXiv 2205.14334): the accuracy on similar questions.

The paper groups arithmetic questions by the type of task. Other questions have no such label, and
are grouped by the embedding of their text. Deviation: the accuracy is that of the most frequent
answer instead of the greedy one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field, PrivateAttr
from typing_extensions import Self

from saysel import hf
from saysel.errors import DataError
from saysel.interfaces import NotFingerprinted, Target
from saysel.records import Cluster, Question, Response


class GroupAccuracyTarget(Target):
    """Learn the most frequent answer, with the accuracy of the question's group.

    c(q) = mean correctness of the most frequent answers to the questions in the group of q, in
    [0, 1]. Answers that could not be judged are left out, and a group without a judged answer
    gives no examples. Groups are the values of `label`, or, without it, `ceil(questions / size)`
    clusters of the questions' embeddings. A question belongs to its group: in small groups,
    c mostly reflects the correctness of the question itself.
    """

    label: str | None = Field(
        None, min_length=1, description="key of the questions' meta whose values are the groups"
    )
    size: int = Field(
        50, ge=1, description="average number of questions per group, without `label`"
    )
    method: Literal["kmeans", "agglomerative"] = Field(
        "kmeans", description="how embeddings are clustered; agglomerative is Ward's method"
    )
    model: str = Field(
        "sentence-transformers/all-MiniLM-L6-v2",
        min_length=1,
        description="sentence model: hub id or directory",
    )
    revision: str | None = Field(None, description="commit or tag of the hub repository")
    instruction: str = Field(
        "", description="text in front of every question, for models trained with one"
    )
    batch_size: NotFingerprinted[int] = Field(64, ge=1, description="questions per forward pass")

    _accuracies: Mapping[str, float] = PrivateAttr(default_factory=dict)

    def check_installed(self) -> None:
        if self.label is None:
            hf.check_sentence_transformers()

    def fit(
        self, items: Sequence[tuple[Question, Sequence[Cluster], Sequence[float | None]]]
    ) -> Self:
        """Group the questions and compute the accuracy of each group.

        Raises:
            DataError: a question has no such label, or the sentence model cannot be loaded.
            MissingExtra: sentence-transformers is not installed, and there is no `label`.
        """
        questions = [question for question, _, _ in items]
        label = self.label
        groups = (
            self._clusters(questions)
            if label is None
            else [labelled(question, label) for question in questions]
        )
        judged = defaultdict(list)
        for group, (_, _, correct) in zip(groups, items, strict=True):
            if correct and correct[0] is not None:
                judged[group].append(correct[0])
        means = {group: sum(values) / len(values) for group, values in judged.items()}
        fitted = self.model_copy()
        fitted._accuracies = {
            question.id: means[group]
            for group, question in zip(groups, questions, strict=True)
            if group in means
        }
        return fitted

    def target(
        self, question: Question, clusters: Sequence[Cluster], correct: Sequence[float | None]
    ) -> tuple[Response, float] | None:
        """See the interface; a question that `fit` did not get gives no example."""
        if not clusters or question.id not in self._accuracies:
            return None
        return clusters[0].representative, self._accuracies[question.id]

    def _clusters(self, questions: Sequence[Question]) -> list[str]:
        if len(questions) < 2:
            return ["all"] * len(questions)
        from sklearn.cluster import AgglomerativeClustering, KMeans

        texts = [question.prompt for question in questions]
        embedder = hf.sentence_model(self.model, self.revision)
        vectors = embedder.vectors(texts, self.instruction, self.batch_size)
        # At most one group per distinct question.
        count = min(-(-len(texts) // self.size), len(set(texts)))
        grouping = (
            KMeans(count, n_init=10, random_state=0)
            if self.method == "kmeans"
            else AgglomerativeClustering(count)
        )
        return [str(group) for group in grouping.fit_predict(vectors)]


def labelled(question: Question, label: str) -> str:
    """The group of a question, from its meta.

    Raises:
        DataError: it has no such key.
    """
    if label not in question.meta:
        raise DataError(
            f"group_accuracy: the question '{question.id}' has no '{label}' in its meta, only "
            f"{', '.join(question.meta) or 'nothing'}: choose another `label`, or none to group "
            "by embeddings"
        )
    return str(question.meta[label])
