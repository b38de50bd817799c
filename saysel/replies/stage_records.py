"""What the record of a stage says about the replies that it has read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saysel.replies import diagnosis, without_example
from saysel.replies.counts import tally_from
from saysel.replies.diagnosis import Problem


def note(record: Mapping[str, Any]) -> str:
    """A few words for the stage's last line: shares of unreadable replies, or examples."""
    if "replies" in record:
        return diagnosis.shares(tally_from(record["replies"]).counts)
    return without_example.summary(record) if "without_example" in record else ""


def problems(record: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with the replies, or why there are too few examples, with advice.

    Args:
        record: as in the manifest.
    """
    found = diagnosis.problems(tally_from(record["replies"])) if "replies" in record else []
    lost = without_example.problems(record) if "without_example" in record else []
    return [*found, *(Problem("without_example", text, ()) for text in lost)]
