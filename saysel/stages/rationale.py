"""Describe in the first person where the responses disagree (arXiv 2405.20974, section 2.1)."""

from __future__ import annotations

from typing import Any

from saysel.records import Cluster, Rationale
from saysel.stages import Work, by_question, chunks
from saysel.storage import Shards

#: Questions in a shard.
SHARD = 500


def run(work: Work) -> dict[str, Any]:
    items = by_question(work.questions("train"), work.records("cluster", Cluster))
    stored = Shards(work.directory, Rationale)
    work.progress.begin(len(items), "questions")
    parts = chunks(items, SHARD)
    missing = stored.missing(len(parts))
    for number, part in enumerate(parts):
        if number in missing:
            written = work.recipe.rationale.write(part)
            stored.write(number, [rationale for rationale in written if rationale is not None])
        work.progress.advance(len(part))
    return {"questions": len(items), "missing": len(items) - sum(1 for _ in stored)}
