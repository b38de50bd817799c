"""Texts that a format must read back as it wrote them."""

from __future__ import annotations

import re

from hypothesis import strategies as st

#: A last line that reads as decoration of the label after it: "1.", "- ", "###".
DECORATION = re.compile(r"(?:.*[\r\n])?[-+•>#\d.)\s_`=~]*", re.DOTALL)
MARKERS = re.compile(
    r"(answer|reflection|confidence|question|user|human)\d*\s*(:|：|$)|\[/?think|analysis[A-Z]",
    re.IGNORECASE,
)

words = (
    st.text(st.characters(exclude_characters="*_<>", exclude_categories=["Cs"]), min_size=1)
    .map(str.strip)
    .filter(lambda text: text and not DECORATION.fullmatch(text) and not MARKERS.search(text))
)
