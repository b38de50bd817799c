"""Where in a response the marker of the confidence is that a format reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from saysel.interfaces.format import Format

#: Maximum number of markers that are tried; each takes parsing the response up to eight times.
MAX_MARKERS = 16
#: A separate line, which states nothing.
NEXT_LINE = "\n."


def marker_end(format: Format, text: str, cut: bool = False) -> int | None:
    """See `Format.marker_end`."""
    endings = sorted(format.confidences.items(), key=lambda item: item[1])
    tried = (*endings[:1], *endings[-1:])  # the lowest and the highest confidence

    def reads(before: str, after: str, cut: bool = False) -> bool:
        """Whether the confidence that is written between two texts is the one that is parsed."""
        return all(
            format.parse(before + ending + after, cut=cut).confidence == value
            for ending, value in tried
        )

    likely = None
    for end in _ends(text, format.confidence_marker):
        before = text[:end]
        # This is the marker if another confidence, in front of the stated one, would be parsed,
        if reads(before, "\n" + text[end:], cut):
            return end
        # or, for formats whose confidence is all of the text after the marker, in its place.
        if (
            likely is None
            and reads(before, "")
            and not reads(before, NEXT_LINE)
            and format.parse(before + tried[0][0]).answer == format.parse(text, cut=cut).answer
        ):
            likely = end
    return likely


def _ends(text: str, marker: str) -> list[int]:
    """The ends of the markers of a text: the last, the first, the second last, the second, …"""
    ends = [match.end() for match in re.finditer(re.escape(marker), text)]
    pairs = zip(reversed(ends), ends, strict=True)
    return list(dict.fromkeys(end for pair in pairs for end in pair))[:MAX_MARKERS]
