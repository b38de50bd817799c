from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from saysel.errors import DamagedFile, SayselWarning, UsageError
from saysel.study.design import GENERIC, allocation, draw, stratum
from saysel.study.items import KEY, read_key, write_key
from tests.study.conftest import writer


def test_rare_strata_get_as_many_items_as_common_ones_as_far_as_they_go() -> None:
    assert allocation([100, 2, 50], 12) == [5, 2, 5]
    assert allocation([1, 1], 12) == [1, 1]
    assert allocation([5, 5, 5], 2) == [1, 1, 0]
    assert allocation([], 2) == []


@pytest.mark.parametrize(
    ("confidence", "correct", "name"),
    [
        (0.0, 1.0, "low, right"),
        (1 / 3, 0.0, "low, wrong"),
        (0.5, 0.5, "middle, right"),
        (1.0, 0.49, "high, wrong"),
        (None, None, "none, unjudged"),
    ],
)
def test_a_stratum_is_confidence_and_correctness(confidence, correct, name) -> None:
    assert stratum(confidence, correct) == name


def test_weighted_items_stand_for_all_replies_of_their_writer() -> None:
    study = draw([writer("a"), writer("b", n=80)], per_model=20, controls=0, raters=1, seed=0)

    for name, size in (("a", 40), ("b", 80)):
        own = [origin for origin in study.origins if origin.writer == name]
        assert len(own) == 20 and len({origin.question_id for origin in own}) == 20
        assert sum(origin.weight for origin in own) == pytest.approx(size)
        counts = Counter(origin.stratum for origin in own)
        assert len(counts) == 5 and max(counts.values()) - min(counts.values()) <= 2


def test_controls_are_other_replies_of_the_writers_with_rationales_that_do_not_fit() -> None:
    writers = [writer("a"), writer("b")]
    study = draw(writers, per_model=20, controls=5, raters=1, seed=0)
    rated = {(one.writer, one.question_id) for one in study.origins if one.kind == "model"}
    written = {name: {r.question_id: r.rationale for r in w.replies} for name, w in
               zip("ab", writers, strict=True)}  # fmt: skip

    assert Counter(one.kind for one in study.origins) == {
        "model": 40,
        "shuffled": 5,
        "generic": 5,
    }
    for item, origin in zip(study.items, study.origins, strict=True):
        if origin.kind == "model":
            assert item.rationale == written[origin.writer][origin.question_id]
            continue
        assert (origin.writer, origin.question_id) not in rated and origin.weight == 1
        if origin.kind == "generic":
            assert (item.rationale, origin.rationale_of) == (GENERIC, None)
            assert origin.measures["mention_recall"] == 0
        else:
            assert origin.rationale_of not in (None, origin.question_id)
            assert item.rationale == written[origin.writer][str(origin.rationale_of)]


def test_measures_are_those_of_the_rationale_that_is_shown() -> None:
    study = draw([writer("a")], per_model=5, controls=0, raters=1, seed=0)
    for origin in study.origins:
        assert origin.measures == {
            "mention_recall": pytest.approx(1),
            "mention_precision": 1,
            "named_alternatives": 1,
            "rationale_ablation": pytest.approx(0.3),
            "rationale_swap": pytest.approx(0.4),
            "grade": float(int(origin.question_id[1:]) % 11),
        }


def test_the_same_seed_draws_the_same_study_and_ids_say_nothing() -> None:
    def drawn(seed: int):
        return draw([writer("a"), writer("b")], per_model=20, controls=5, raters=2, seed=seed)

    assert drawn(3) == drawn(3) and drawn(3).id == drawn(3).id != drawn(4).id
    study = drawn(3)
    assert [item.id for item in study.items[:2]] == ["i001", "i002"]
    # Writers and kinds are mixed: neither half of the ids holds all of one.
    half = len(study.items) // 2
    for part in (study.origins[:half], study.origins[half:]):
        assert {origin.group for origin in part} == {"a", "b", "shuffled", "generic"}


def test_a_writer_with_too_few_replies_is_taken_whole_with_a_warning() -> None:
    with pytest.warns(SayselWarning, match="a: 6 replies have a rationale, fewer than"):
        study = draw([writer("a", n=6)], per_model=20, controls=1, raters=1, seed=0)
    assert Counter(one.kind for one in study.origins) == {"model": 6, "shuffled": 1, "generic": 1}


def test_one_rationale_for_everything_cannot_be_shuffled() -> None:
    one = writer("a")
    same = replace(one, replies=[replace(reply, rationale="Hm.") for reply in one.replies])
    study = draw([same], per_model=5, controls=3, raters=1, seed=0)
    assert Counter(one.kind for one in study.origins) == {"model": 5, "generic": 3}


def test_the_key_is_read_as_it_was_written_and_damage_is_found(directory) -> None:
    study = draw([writer("a", texts=["\ud800", "x"])], per_model=5, controls=2, raters=2, seed=0)
    write_key(study, directory)
    assert read_key(directory) == study

    text = (directory / KEY).read_text()
    (directory / KEY).write_text(text.replace('"i001"', '"i002"'))
    with pytest.raises(DamagedFile, match="checksum differs"):
        read_key(directory)
    with pytest.raises(UsageError, match=r"it has no key.json"):
        read_key(directory / "elsewhere")
