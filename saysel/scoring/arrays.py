"""Predictions as arrays, and the clusters that their questions belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from saysel.errors import DataError
from saysel.interfaces import PredictionArrays
from saysel.records import Prediction, Question

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def to_arrays(
    predictions: Sequence[Prediction], clusters: Mapping[str, str] | None = None
) -> PredictionArrays:
    """Judged predictions as arrays, in order; those with `correct=None` are left out.

    Args:
        clusters: the cluster of each question by its id, if questions belong together.

    Raises:
        DataError: a confidence or a correctness is not a number in [0, 1], or a question has no
            cluster while others have. A confidence that could not be parsed must be `None`.
    """
    judged = [prediction for prediction in predictions if prediction.correct is not None]
    for prediction in judged:
        for name in ("confidence", "correct"):
            value = getattr(prediction, name)
            if value is not None and not 0 <= value <= 1:
                raise DataError(
                    f"prediction of question '{prediction.question_id}': {name} must be a number "
                    f"from 0 to 1, or missing (got {value})"
                )
    # No answer takes 0 tokens, so 0 means that they were not counted.
    tokens = [prediction.tokens or None for prediction in judged]
    declined = [prediction.declined for prediction in judged]
    return PredictionArrays(
        correct=[prediction.correct for prediction in judged],
        confidence=[prediction.confidence for prediction in judged],
        tokens=tokens if any(tokens) else None,
        cluster=cluster_numbers([prediction.question_id for prediction in judged], clusters),
        declined=declined if any(declined) else None,
    )


def cluster_numbers(
    ids: Sequence[str], clusters: Mapping[str, str] | None
) -> npt.NDArray[np.intp] | None:
    """The cluster of each question as a number from 0; `None` without clusters.

    Raises:
        DataError: a question is in no cluster.
    """
    import numpy as np

    if not clusters:
        return None
    numbers: dict[str, int] = {}
    codes = np.empty(len(ids), dtype=np.intp)
    for row, id in enumerate(ids):
        if id not in clusters:
            raise DataError(
                f"question '{id}' has no cluster, but others have: give every question its cluster"
            )
        codes[row] = numbers.setdefault(clusters[id], len(numbers))
    return codes


def clusters_of(questions: Iterable[Question], key: str | None) -> dict[str, str]:
    """The cluster of each question by id, from an entry of its `meta`; empty without a key.

    Raises:
        DataError: a question has no such entry.
    """
    if key is None:
        return {}
    clusters = {}
    for question in questions:
        if question.meta.get(key) is None:
            entries = ", ".join(question.meta) or "nothing"
            raise DataError(
                f"evaluate.cluster: question '{question.id}' has no '{key}' in its meta, which "
                f"has {entries}"
            )
        clusters[question.id] = str(question.meta[key])
    return clusters
