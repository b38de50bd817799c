"""Group the responses of each question by what they say (arXiv 2405.20974, section 2.1)."""

from __future__ import annotations

from typing import Any

from saysel.records import Cluster, Response
from saysel.stages import Work, by_question, chunks
from saysel.storage import Shards

#: Questions in a shard.
SHARD = 500


def run(work: Work) -> dict[str, Any]:
    grouped = by_question(work.questions("train"), work.records("sample", Response))
    stored = Shards(work.directory, Cluster)
    work.progress.begin(len(grouped), "questions")
    parts = chunks(grouped, SHARD)
    missing = stored.missing(len(parts))
    for number, part in enumerate(parts):
        if number in missing:
            stored.write(
                number,
                [
                    cluster
                    for question, members in part
                    for cluster in work.recipe.cluster.cluster(question, members)
                ],
            )
        work.progress.advance(len(part))
    return {"questions": len(grouped)}
