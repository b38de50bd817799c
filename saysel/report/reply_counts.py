"""The section of the page on replies that could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saysel.display.numbers import grouped
from saysel.replies import stage_records
from saysel.replies.counts import ReplyTally, tally_from
from saysel.report.content import Report


def section(report: Report) -> dict[str, Any] | None:
    """A line per stage that has read replies; per row if the report has no stages; or `None`."""
    records: Mapping[str, Mapping[str, Any]] = report.manifest.get("stages") or {}
    silent: set[str] = set()  # rows of files that do not say which replies were cut
    if not records:
        counted = [row for row in report.rows if row.replies]
        records = {row.name: {"replies": row.replies.record()} for row in counted if row.replies}
        silent = {
            row.name for row in counted if all(p.finish_reason is None for p in row.predictions)
        }
    lines = [
        {"name": name, "cells": _cells(tally_from(record["replies"]), name not in silent)}
        for name, record in records.items()
        if "replies" in record
    ]
    if not lines:
        return None
    return {
        "lines": lines,
        "notes": [
            (name, stage_records.note(record))
            for name, record in records.items()
            if "without_example" in record
        ],
        "problems": [
            (name, problem)
            for name, record in records.items()
            for problem in stage_records.problems(record)
            if problem.examples
        ],
    }


def _cells(tally: ReplyTally, cut_known: bool) -> list[str]:
    """The number of replies, and the share of each count; a dash for one that is not known."""
    counts = tally.counts
    # The replies of a file have been read only if a format looked for confidences in them.
    read = tally.written_by != "file" or counts.no_confidence is not None
    return [
        grouped(counts.replies),
        _share(counts.no_answer if read else None, counts.replies),
        _share(counts.no_confidence, counts.replies),
        _share(counts.declined, counts.replies),
        _share(counts.cut if cut_known else None, counts.replies),
        _share(counts.empty if read else None, counts.replies),
        _share(counts.same_text if counts.sampled else None, counts.sampled),
    ]


def _share(number: int | None, total: int) -> str:
    return "–" if number is None or not total else f"{number / total:.1%}"
