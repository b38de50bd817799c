"""A source without a train split."""

from __future__ import annotations

from collections.abc import Iterator

from saysel.errors import NoSplit
from saysel.interfaces import Source
from saysel.records import Question


class HeldoutOnlySource(Source):
    """One question, in the split `heldout`."""

    def questions(self, split: str) -> Iterator[Question]:
        if split != "heldout":
            raise NoSplit(f"there is no split '{split}'")
        yield Question("one", "What is 1 + 1?", ("2",))
