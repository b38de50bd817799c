from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.recipes.text import dump_yaml, parse_yaml

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abc_", min_size=1), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abc_", min_size=1), values))
def test_what_is_dumped_is_read_back(content: dict[str, object]) -> None:
    assert parse_yaml(dump_yaml(content)) == content


@given(st.text())
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    try:
        parse_yaml(text)
    except ValueError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("1E5", 1e5),
        ("-2.5e+3", -2500.0),
        (".5e1", 5.0),
        ("1.0e-5", 1e-5),
        ("+7e0", 7.0),
    ],
)
def test_scientific_notation_is_a_number(text: str, value: float) -> None:
    found = parse_yaml(f"x: {text}")["x"]
    assert isinstance(found, float)
    assert math.isclose(found, value)


@pytest.mark.parametrize("text", ["e5", "1e", "1e-", "a1e5", "1e5b", "'1e5'", "1e5.5"])
def test_what_only_looks_like_it_stays_text(text: str) -> None:
    assert isinstance(parse_yaml(f"x: {text}")["x"], str)


def test_integers_stay_integers() -> None:
    assert parse_yaml("[1, 20, 0]") == [1, 20, 0]


def test_merge_keys_may_be_overridden_but_not_repeated() -> None:
    assert parse_yaml("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}")["b"] == {"x": 3, "y": 2}
    with pytest.raises(ValueError, match="line 2: the key 'x' was already given on line 2"):
        parse_yaml("a: 1\nb: {x: 1, x: 2}")


@pytest.mark.parametrize("text", ["x: !!int ''", "x: !!timestamp y", "x: !!float y", "- [" * 2000])
def test_oddities_of_yaml_are_refused_without_a_traceback(text: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        parse_yaml(text)
