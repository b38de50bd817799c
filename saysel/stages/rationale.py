"""Describe in the first person where the responses disagree (arXiv 2405.20974, section 2.1)."""

from __future__ import annotations

from typing import Any

from saysel.records import Cluster, Rationale
from saysel.stages import StageContext, batches, by_question
from saysel.storage import Shards

#: Questions in a shard.
SHARD = 500


def run(work: StageContext) -> dict[str, Any]:
    questions = work.questions("train")
    items = by_question(questions, work.records("cluster", Cluster))
    stored = Shards(work.directory, Rationale)
    work.progress.begin(len(questions), "questions")
    count = number = 0
    for number, part in enumerate(batches(items, SHARD), 1):
        if not stored.has(number - 1):
            written = work.recipe.rationale.write(part)
            stored.write(number - 1, [rationale for rationale in written if rationale is not None])
        count += len(part)
        work.progress.advance(len(part))
    stored.missing(number)  # shards with other numbers are deleted
    return {"questions": count, "missing": count - sum(1 for _ in stored)}
