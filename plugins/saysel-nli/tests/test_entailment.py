from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from saysel import testing
from saysel.errors import DataError
from saysel_nli.clusterer import NliClusterer
from saysel_nli.entailment import load, verdicts


def relabelled(classifier: Path, tmp_path: Path, labels: list[str]) -> Path:
    """The same model under other labels."""
    directory = Path(shutil.copytree(classifier, tmp_path / "relabelled"))
    config = json.loads((directory / "config.json").read_text())
    config["id2label"] = dict(enumerate(labels))
    config["label2id"] = {name: place for place, name in enumerate(labels)}
    (directory / "config.json").write_text(json.dumps(config))
    return directory


def test_each_direction_has_its_own_verdict(classifier: Path) -> None:
    loaded = load(str(classifier), None)

    forth, back, again = verdicts(
        loaded, [("whale", "fish"), ("fish", "whale"), ("whale", "fish")], batch_size=2
    )

    assert forth == again
    assert forth.entailment > 0.8 > 0.2 > forth.contradiction
    assert back.contradiction > 0.8 > 0.2 > back.entailment
    assert verdicts(loaded, [], batch_size=2) == []


def test_a_pair_is_read_once_and_pairs_side_by_side(classifier: Path) -> None:
    loaded = load(str(classifier), None)
    sizes: list[int] = []
    handle = loaded.model.register_forward_hook(
        lambda module, inputs, output: sizes.append(len(output.logits))
    )
    try:
        verdicts(loaded, [("cat", "dog"), ("cat", "dog"), ("dog", "cat"), ("cat", "few")] * 3, 2)
        assert sizes == [2, 1]
        sizes.clear()
        drawn = testing.responses("cat", "Cat", "dog", "dog", "few", "cat")
        NliClusterer(model=str(classifier)).cluster(testing.question(), drawn)
        # Cat with dog and few in both directions, then dog with few.
        assert sizes == [4, 2]
    finally:
        handle.remove()


def test_texts_that_are_too_long_are_cut(classifier: Path) -> None:
    (found,) = verdicts(load(str(classifier), None), [("cat " * 500, "dog " * 500)], 8)

    assert 0 <= found.entailment <= 1


def test_of_what_is_too_long_the_end_is_read(classifier: Path) -> None:
    loaded = load(str(classifier), None)
    read: list[list[int]] = []
    handle = loaded.model.register_forward_pre_hook(
        lambda module, args, inputs: read.extend(inputs["input_ids"].tolist()), with_kwargs=True
    )
    try:
        verdicts(loaded, [("cat " * 500 + "whale", "cat " * 500 + "fish")], 8)
    finally:
        handle.remove()

    (ids,) = read
    whale, fish = loaded.tokenizer.convert_tokens_to_ids(["whale", "fish"])
    assert whale in ids and fish in ids


def test_labels_are_found_by_name(classifier: Path, tmp_path: Path) -> None:
    directory = relabelled(classifier, tmp_path, ["ENTAILMENT", "neutral", "Contradiction"])

    assert load(str(directory), None)[2:] == (0, 2)


def test_labels_that_say_nothing_are_refused(classifier: Path, tmp_path: Path) -> None:
    directory = relabelled(classifier, tmp_path, ["LABEL_0", "LABEL_1", "LABEL_2"])

    with pytest.raises(DataError, match="its labels are label_0, label_1, label_2: use one that"):
        load(str(directory), None)


def test_two_labels_do_for_two_modes(classifier: Path, tmp_path: Path) -> None:
    directory = relabelled(classifier, tmp_path, ["not_entailment", "open", "entailment"])
    drawn = testing.responses("cat", "kitty")

    for mode in ("strict", "either"):
        clusterer = NliClusterer(model=str(directory), mode=mode, with_question=False)
        assert len(clusterer.cluster(testing.question(), drawn)) == 1
    with pytest.raises(DataError, match="has no label 'contradiction'"):
        NliClusterer(model=str(directory), mode="non_contradiction").cluster(
            testing.question(), drawn
        )
