"""Group the responses of each question by what they say (arXiv 2405.20974, section 2.1)."""

from __future__ import annotations

from typing import Any

from saysel.records import Cluster, Response
from saysel.stages import StageContext, batches, by_question
from saysel.storage import Shards

#: Questions in a shard.
SHARD = 500


def run(work: StageContext) -> dict[str, Any]:
    questions = work.questions("train")
    grouped = by_question(questions, work.records("sample", Response))
    stored = Shards(work.directory, Cluster)
    work.progress.begin(len(questions), "questions")
    count = number = 0
    for number, part in enumerate(batches(grouped, SHARD), 1):
        if not stored.has(number - 1):
            clusters = (work.recipe.cluster.cluster(*item) for item in part)
            stored.write(number - 1, [cluster for found in clusters for cluster in found])
        count += len(part)
        work.progress.advance(len(part))
    stored.missing(number)  # shards with other numbers are deleted
    return {"questions": count}
