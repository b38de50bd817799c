"""Clusters by bidirectional entailment (Nature 630, 2024; arXiv 2302.09664)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from saysel.errors import DataError
from saysel.interfaces import Clusterer, NotFingerprinted
from saysel.records import Cluster, Question, Response
from saysel_nli.entailment import Verdict, load, verdicts


class NliClusterer(Clusterer):
    """Group answers that entail each other.

    Two answers a and b mean the same,

    - `strict`: if a entails b and b entails a
    - `non_contradiction`: if neither contradicts the other and at least one entails the other
    - `either`: if at least one entails the other, whatever the other direction says

    where "entails" and "contradicts" mean a probability above `threshold`. Answers that differ
    only in case and white space mean the same without running the model; every other pair is
    read once in each direction.

    Meaning the same is not transitive: a model can find a ~ b and b ~ c, but not a ~ c. Therefore
    the most frequent answer becomes a seed and takes every answer that means the same as the
    seed; the most frequent of the remaining answers is the next seed, and so on, with ties
    broken by the order of sampling. The result is a partition for any model, every member means
    the same as its cluster's representative, and the order of sampling only matters for ties.

    Deviations: the papers choose seeds in the order of sampling, and use the most likely label of
    each direction, which may have a probability below one half.
    """

    version: ClassVar[int] = 2

    model: str = Field(
        "microsoft/deberta-large-mnli",
        min_length=1,
        description="a classifier with a label 'entailment': directory or hub id",
    )
    revision: str | None = Field(None, description="commit or tag of the hub repository")
    mode: Literal["strict", "non_contradiction", "either"] = Field(
        "strict", description="when two answers mean the same"
    )
    threshold: float = Field(
        0.5, gt=0, lt=1, description="probability above which an answer entails another"
    )
    with_question: bool = Field(True, description="read each answer after its question")
    batch_size: NotFingerprinted[int] = Field(64, ge=1, description="pairs per forward pass")

    def cluster(self, question: Question, responses: Sequence[Response]) -> list[Cluster]:
        """See the interface.

        Raises:
            DataError: the model cannot be loaded, or lacks a label that the mode needs.
        """
        wordings: dict[str, list[Response]] = {}
        for response in responses:
            if response.answer is not None:
                key = " ".join(response.answer.casefold().split())
                wordings.setdefault(key, []).append(response)
        # `sorted` is stable: equally frequent answers stay in the order of sampling.
        waiting = sorted(wordings.values(), key=len, reverse=True)
        clusters = []
        while waiting:
            seed, *others = waiting
            same = self._same(question, seed[0], [other[0] for other in others])
            pairs = list(zip(others, same, strict=True))
            members = [*seed, *(response for other, taken in pairs if taken for response in other)]
            waiting = [other for other, taken in pairs if not taken]
            indices = tuple(sorted(member.index for member in members))
            clusters.append(Cluster(question.id, indices, seed[0], len(indices) / len(responses)))
        return sorted(clusters, key=lambda cluster: (-len(cluster.members), cluster.members))

    def _same(self, question: Question, seed: Response, others: Sequence[Response]) -> list[bool]:
        """Whether each of the others means the same as the seed."""
        if not others:
            return []
        classifier = load(self.model, self.revision)
        if self.mode == "non_contradiction" and classifier.contradiction is None:
            raise DataError(
                f"{self.model}: has no label 'contradiction', which the mode 'non_contradiction' "
                "needs: use another mode or another model"
            )
        first = self._text(question, seed)
        rest = [self._text(question, other) for other in others]
        pairs = [(first, other) for other in rest] + [(other, first) for other in rest]
        results = verdicts(classifier, pairs, self.batch_size)
        forward, backward = results[: len(rest)], results[len(rest) :]
        return [self._agree(*both) for both in zip(forward, backward, strict=True)]

    def _text(self, question: Question, response: Response) -> str:
        answer = response.answer or ""
        return f"{question.prompt} {answer}" if self.with_question else answer

    def _agree(self, forward: Verdict, backward: Verdict) -> bool:
        entailed = [verdict.entailment > self.threshold for verdict in (forward, backward)]
        if self.mode == "strict":
            return all(entailed)
        if self.mode == "either":
            return any(entailed)
        contradicted = [verdict.contradiction > self.threshold for verdict in (forward, backward)]
        return any(entailed) and not any(contradicted)
