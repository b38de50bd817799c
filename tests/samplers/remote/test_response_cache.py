from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from saysel.errors import StageError
from saysel.interfaces import Prompt
from saysel.records import Generation, ModelRef, TokenChoice
from saysel.samplers.remote.response_cache import ResponseCache, request_key

MODEL = ModelRef("small")
CHAT: Prompt = [{"role": "user", "content": "Why?"}]

logprobs = st.floats(max_value=0, allow_nan=False, allow_infinity=False)
places = st.lists(st.builds(TokenChoice, st.text(), logprobs), min_size=1, max_size=3).map(tuple)
generations = st.builds(
    Generation,
    st.text(st.characters(exclude_categories=["Cs"])).filter(str.strip),
    st.integers(0, 2**31),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([None, "stop", "length"]),
    st.none() | st.lists(places, max_size=3).map(tuple),
)


@given(st.dictionaries(st.integers(0, 200), generations, min_size=1))
@example({0: Generation("a", 1, -0.0)})
def test_stored_samples_are_returned(samples: dict[int, Generation]) -> None:
    store = ResponseCache(None)
    store.put("a", "small", samples)

    assert store.get("a") == samples
    assert store.get("b") == {}
    store.close()


def test_caches_share_a_file_and_the_first_sample_is_kept(tmp_path: Path) -> None:
    one, other = ResponseCache(tmp_path / "r.sqlite"), ResponseCache(tmp_path / "r.sqlite")
    one.put("a", "small", {0: Generation("first", 1)})
    other.put("a", "small", {0: Generation("second", 1), 1: Generation("third", 1)})

    assert [found.text for found in one.get("a").values()] == ["first", "third"]
    one.close()
    other.close()


def test_a_file_that_is_not_a_cache_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "r.sqlite").write_text("these are a few lines of text " * 50)

    with pytest.raises(StageError, match=r"r\.sqlite: cannot be used") as caught:
        ResponseCache(tmp_path / "r.sqlite")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "damage",
    [
        "text = replace(text, 'Paris', 'Pariq')",
        "tokens = 9",
        "logprob = -2.0",
        "sample = 4",
        "choices = '[]'",
    ],
)
def test_a_damaged_sample_is_one_line_and_can_be_requested_again(
    tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "r.sqlite"
    store = ResponseCache(path)
    store.put("a", "small", {0: Generation("Paris", 1, -1.0, "stop")})
    store.close()
    with sqlite3.connect(path) as file:
        file.execute(f"UPDATE responses SET {damage}")

    store = ResponseCache(path)
    with pytest.raises(StageError, match=r"r\.sqlite: sample \d of request a is damaged") as caught:
        store.get("a")
    _, _, remedy = str(caught.value).partition("with: ")
    with sqlite3.connect(path) as file:
        file.execute(remedy)

    assert store.get("a") == {}
    store.close()


def test_samples_of_an_earlier_version_are_read(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    with sqlite3.connect(path) as file:
        file.execute(
            "CREATE TABLE responses (key TEXT NOT NULL, sample INTEGER NOT NULL, model TEXT NOT "
            "NULL, text TEXT NOT NULL, tokens INTEGER NOT NULL, logprob REAL, "
            "PRIMARY KEY (key, sample)) WITHOUT ROWID"
        )
        file.execute("INSERT INTO responses VALUES ('a', 0, 'small', 'Paris', 1, NULL)")

    store = ResponseCache(path)
    assert store.get("a") == {0: Generation("Paris", 1)}
    store.close()


def test_a_key_depends_on_everything_that_is_sent() -> None:
    plain = request_key(MODEL, CHAT, {"temperature": 1.0}, 0)
    others = [
        request_key(ModelRef("other"), CHAT, {"temperature": 1.0}, 0),
        request_key(ModelRef("small", revision="abc"), CHAT, {"temperature": 1.0}, 0),
        request_key(ModelRef("small", adapter="org/adapter"), CHAT, {"temperature": 1.0}, 0),
        request_key(MODEL, [{"role": "system", "content": "Why?"}], {"temperature": 1.0}, 0),
        request_key(MODEL, "Why?", {"temperature": 1.0}, 0),
        request_key(MODEL, CHAT, {"temperature": 0.9}, 0),
        request_key(MODEL, CHAT, {"temperature": 1.0, "top_p": 0.9}, 0),
        request_key(MODEL, CHAT, {"temperature": 1.0}, 1),
    ]

    assert len({plain, *others}) == 1 + len(others)
    assert request_key(MODEL, CHAT, {"temperature": 1.0}, 0) == plain


def test_a_retrained_adapter_has_another_key(tmp_path: Path) -> None:
    weights = tmp_path / "adapter_model.safetensors"
    weights.write_bytes(b"one")
    adapted = ModelRef("small", adapter=str(tmp_path))
    before = request_key(adapted, CHAT, {}, 0)
    (tmp_path / "README.md").write_text("only words")
    assert request_key(adapted, CHAT, {}, 0) == before

    weights.write_bytes(b"two")
    assert request_key(adapted, CHAT, {}, 0) != before
