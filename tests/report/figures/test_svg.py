from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.report.figures.svg import Figure, element, scale, text, ticks


def test_what_comes_from_data_is_escaped():
    drawn = ElementTree.fromstring(
        element("g", text(1, 2, "</text><script>"), aria_label='"><x>', class_="m0")
    )
    assert drawn.get("aria-label") == '"><x>' and drawn.get("class") == "m0"
    assert [child.text for child in drawn] == ["</text><script>"]


def test_scale_is_linear_and_bears_an_empty_span():
    assert scale(0, 2, 10, 20)(1) == 15
    assert scale(3, 3, 10, 20)(3) == 10


@given(st.floats(-100, 100), st.floats(1e-3, 100))
def test_ticks_span_the_interval(low, width):
    marks = ticks(low, low + width)
    assert marks[0] <= low + 1e-6 * width + 1e-9 and marks[-1] >= low + width - 1e-6 * width - 1e-9
    assert 2 <= len(marks) <= 8 and marks == sorted(set(marks))


def test_ticks_of_a_point():
    assert len(ticks(0.5, 0.5)) >= 2


@pytest.mark.parametrize("write", [Figure.inline, Figure.standalone])
def test_a_figure_is_xml_and_says_what_it_shows(write):
    drawn = ElementTree.fromstring(write(Figure("a & b", 10, 20, text(1, 1, "x"))).encode())
    assert drawn.get("aria-label") == "a & b" and drawn.get("viewBox") == "0 0 10 20"
    assert drawn.get("role") == "img"
