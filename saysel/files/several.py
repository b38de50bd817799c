"""Predictions of several files as one set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from saysel.errors import DataError
from saysel.files.predictions import Predictions


def joined(parts: Sequence[Predictions], names: Sequence[str]) -> Predictions:
    """All predictions of several files, such as one per task or shard.

    If two files use the same id, every id is preceded by the name of its file: `anatomy/0`.

    Args:
        parts: the predictions of each file.
        names: what the files are called; distinct.

    Raises:
        DataError: two files have predictions for the same question.
    """
    if len(parts) == 1:
        return parts[0]
    owner: dict[str, int] = {}
    shared = False
    for number, part in enumerate(parts):
        for id in part.questions:
            if id in owner:
                shared = True
                if "id" in part.columns:
                    _check_distinct(id, parts[owner[id]], part, names[owner[id]], names[number])
            owner.setdefault(id, number)
    if shared:
        parts = [_prefixed(part, name) for part, name in zip(parts, names, strict=True)]
    return Predictions(
        predictions=[prediction for part in parts for prediction in part.predictions],
        questions={id: question for part in parts for id, question in part.questions.items()},
        columns={role: column for part in reversed(parts) for role, column in part.columns.items()},
        notes=tuple(note for part in parts for note in part.notes),
        clusters={id: cluster for part in parts for id, cluster in part.clusters.items()},
        layout=parts[0].layout if len({part.layout for part in parts}) == 1 else None,
    )


def _check_distinct(id: str, one: Predictions, other: Predictions, *names: str) -> None:
    """Refuse two files that answer the same question, or may do so."""
    known = "question" in one.columns and "question" in other.columns
    if known and one.questions[id].prompt != other.questions[id].prompt:
        return
    raise DataError(
        f"{names[0]} and {names[1]}: both have a prediction for '{id}': saysel score "
        "reads files as parts of one method; use saysel compare for different methods"
    )


def _prefixed(part: Predictions, name: str) -> Predictions:
    """The predictions with ids that begin with the name of their file."""
    own = part.columns.get("cluster") == part.columns.get("id")
    return replace(
        part,
        predictions=[
            replace(prediction, question_id=f"{name}/{prediction.question_id}")
            for prediction in part.predictions
        ],
        questions={
            f"{name}/{id}": replace(question, id=f"{name}/{id}")
            for id, question in part.questions.items()
        },
        clusters={
            f"{name}/{id}": f"{name}/{cluster}" if own else cluster
            for id, cluster in part.clusters.items()
        },
    )
