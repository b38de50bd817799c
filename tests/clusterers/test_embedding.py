from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel import testing
from saysel.clusterers.embedding import EmbeddingClusterer
from saysel.errors import DataError, MissingExtra
from saysel.hf import sentence_embeddings
from saysel.testing import question, responses

PLACES = (
    *("Paris", "the city of Paris", "It is in Paris, France.", "Rome", "Rome, in Italy"),
    *("photosynthesis", "Paris", "city of Rome"),
)


def members(clusterer: EmbeddingClusterer, *answers: str | None) -> list[tuple[int, ...]]:
    return [one.members for one in clusterer.cluster(question(), responses(*answers))]


def test_it_keeps_its_contract(minilm: str) -> None:
    testing.check_clusterer(EmbeddingClusterer(model=minilm, instruction=""))


def test_what_is_near_is_together(minilm: str) -> None:
    clusterer = EmbeddingClusterer(model=minilm, instruction="", threshold=0.6)

    assert members(clusterer, *PLACES) == [(0, 1, 2, 6), (3, 4, 7), (5,)]
    strict = EmbeddingClusterer(model=minilm, instruction="", threshold=0.999)
    assert members(strict, *PLACES)[0] == (0, 6)
    assert len(members(strict, *PLACES)) == 7


def test_shares_count_what_is_in_no_cluster(minilm: str) -> None:
    clusterer = EmbeddingClusterer(
        model=minilm, instruction="", threshold=0.6, drop_singletons=True
    )
    found = clusterer.cluster(question(), responses(*PLACES, None, None))

    assert [cluster.members for cluster in found] == [(0, 1, 2, 6), (3, 4, 7)]
    assert [cluster.share for cluster in found] == [4 / 10, 3 / 10]
    assert clusterer.cluster(question(), responses("Paris", "photosynthesis")) == []


def test_answers_or_whole_responses(minilm: str) -> None:
    from dataclasses import replace

    same, other = responses("Paris", "Paris")
    drawn = [same, replace(other, text="Photosynthesis feeds the plants of the garden.")]
    options: dict[str, Any] = {"model": minilm, "instruction": "", "threshold": 0.5}

    by_answer = EmbeddingClusterer(**options).cluster(question(), drawn)
    assert [cluster.members for cluster in by_answer] == [(0, 1)]
    by_response = EmbeddingClusterer(**options, embed="response").cluster(question(), drawn)
    assert [cluster.members for cluster in by_response] == [(0,), (1,)]


def test_thoughts_are_not_embedded(minilm: str) -> None:
    from dataclasses import replace

    one, other = responses("Paris", "Paris")
    thoughts = "<think>Photosynthesis feeds the plants of the garden.</think>"
    drawn = [one, replace(other, text=f"{thoughts}\n\n{other.text}")]
    clusterer = EmbeddingClusterer(model=minilm, instruction="", threshold=0.99, embed="response")

    assert [cluster.members for cluster in clusterer.cluster(question(), drawn)] == [(0, 1)]


def test_each_distinct_text_is_embedded_once(minilm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = sentence_embeddings.Embedder(sentence_embeddings.sentence_model(minilm, None)._model)
    embedded: list[str] = []
    encode = embedder._model.encode

    def count(texts: list[str], **options: Any) -> Any:
        embedded.extend(texts)
        return encode(texts, **options)

    monkeypatch.setattr(embedder._model, "encode", count)
    first = embedder.vectors(["a", "b", "a"], "", 2)
    again = embedder.vectors(["b", "c", "b"], "", 2)

    assert embedded == ["a", "b", "c"]
    assert np.array_equal(first[1], again[0]) and np.array_equal(first[0], first[2])
    assert np.linalg.norm(first, axis=1) == pytest.approx(1, abs=1e-5)
    # The same text under another instruction is another text.
    instructed = embedder.vectors(["a"], "Represent the word: ", 2)
    assert embedded == ["a", "b", "c", "a"]
    assert float(instructed[0] @ first[0]) < 0.99


directions = st.lists(
    st.tuples(st.integers(-3, 3), st.integers(-3, 3)).filter(any), min_size=1, max_size=12
)


@given(directions, st.floats(0.1, 0.95))
def test_the_partition_is_that_of_the_plain_loop(
    vectors: list[tuple[int, int]], threshold: float
) -> None:
    units = np.array([np.array(v) / np.hypot(*v) for v in vectors], dtype=np.float32)
    # Not on the edge, where rounding decides.
    if (np.abs(units @ units.T - threshold) < 1e-5).any():
        return
    waiting = list(range(len(units)))
    expected = []
    while waiting:
        seed = waiting[0]
        group = [row for row in waiting if float(units[row] @ units[seed]) > threshold]
        expected.append(group)
        waiting = [row for row in waiting if row not in group]

    assert EmbeddingClusterer(threshold=threshold).groups(units) == expected


def test_a_model_that_cannot_be_loaded_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(DataError, match="cannot be loaded as a sentence model") as caught:
        members(EmbeddingClusterer(model=str(tmp_path)), "Paris")
    assert "\n" not in str(caught.value)


def test_the_missing_package_is_named(minilm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sentence_embeddings.sentence_model.cache_clear()
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtra, match=r'pip install "saysel\[embeddings\]"'):
        members(EmbeddingClusterer(model=minilm), "Paris")
    with pytest.raises(MissingExtra, match="comparing embeddings needs"):
        EmbeddingClusterer(model=minilm).check_installed()  # before any work
