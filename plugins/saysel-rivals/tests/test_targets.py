from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from saysel import testing
from saysel.errors import DataError
from saysel.interfaces import Target
from saysel.records import Cluster, Question
from saysel.testing import clusters, question
from saysel_rivals.confqa import ConfQaTarget
from saysel_rivals.expected_accuracy import ExpectedAccuracyTarget
from saysel_rivals.group_accuracy import GroupAccuracyTarget
from saysel_rivals.r_tuning import RTuningTarget

FOUND = clusters({"Rome": 5, "Paris": 4, "City of Paris": 1})

CAPITALS = ("France", "Italy", "Norway", "Peru", "Japan", "Kenya")
SUMS = ("3 + 4", "12 + 30", "7 + 8", "21 + 2", "6 + 6", "9 + 14")


def item(
    asked: Question, correct: float | None
) -> tuple[Question, list[Cluster], list[float | None]]:
    return asked, clusters({"a": 3, "b": 1}, asked.id), [correct, 0.0]


def items() -> list[tuple[Question, list[Cluster], list[float | None]]]:
    """Six capitals of which one is known, six sums of which five are, turn about."""
    mixed = []
    for place, (land, numbers) in enumerate(zip(CAPITALS, SUMS, strict=True)):
        capital = f"What is the capital city of the country {land}?"
        total = f"Add these two numbers: {numbers}"
        topics = ({"topic": "capital"}, {"topic": "sum"})
        mixed.append(item(Question(f"c{place}", capital, ("x",), (), topics[0]), float(place == 0)))
        mixed.append(item(Question(f"s{place}", total, ("x",), (), topics[1]), float(place != 0)))
    return mixed


@pytest.mark.parametrize(
    "target",
    [
        RTuningTarget(),
        ConfQaTarget(),
        ExpectedAccuracyTarget(),
        ExpectedAccuracyTarget(k=3),
        ExpectedAccuracyTarget(k=100),
        GroupAccuracyTarget(label="topic"),
    ],
)
def test_contract(target: Target) -> None:
    testing.check_target(target, {"topic": "capitals"})


@pytest.mark.parametrize("method", ["kmeans", "agglomerative"])
def test_contract_by_embedding(minilm: str, method: str) -> None:
    testing.check_target(
        GroupAccuracyTarget.model_validate({"model": minilm, "size": 2, "method": method})
    )


@pytest.mark.parametrize(
    ("correct", "confidence"), [(1.0, 1.0), (0.5, 1.0), (0.49, 0.0), (0.0, 0.0)]
)
def test_r_tuning_is_sure_of_the_own_answer_if_it_is_right(
    correct: float, confidence: float
) -> None:
    chosen = RTuningTarget().target(question(), FOUND, [correct, 1.0, 1.0])

    assert chosen == (FOUND[0].representative, confidence)


def test_confqa_declines_where_the_own_answer_is_wrong() -> None:
    right = ConfQaTarget().target(question(), FOUND, [0.5, 1.0, 1.0])
    wrong = ConfQaTarget().target(question(), FOUND, [0.4, 1.0, 1.0])

    assert right == (FOUND[0].representative, 0.5)
    assert wrong is not None and wrong[1] is None
    assert (wrong[0].declined, wrong[0].answer, wrong[0].text) == (True, None, "")
    assert ConfQaTarget().target(question(), FOUND, [None, 1.0, 1.0]) is None
    assert ConfQaTarget().target(question(), [], []) is None


def test_r_tuning_ignores_unjudged_questions() -> None:
    assert RTuningTarget().target(question(), FOUND, [None, 1.0, 1.0]) is None


@pytest.mark.parametrize(
    ("k", "correct", "answer", "confidence"),
    [
        (10, [0.0, 1.0, 1.0], "Paris", 0.5),
        (10, [1.0, 0.0, 0.0], "Rome", 0.5),
        # Samples 0 to 4 said Rome, 5 to 8 Paris, 9 the city of Paris.
        (5, [0.0, 1.0, 1.0], "Paris", 0.0),
        (8, [0.0, 1.0, 0.0], "Paris", 3 / 8),
        (9, [0.0, 1.0, None], "Paris", 4 / 9),
        (50, [1.0, 1.0, 0.0], "Rome", 0.9),
        (10, [0.0, 0.0, 0.0], "Rome", 0.0),
        (10, [0.2, 0.6, 0.0], "Paris", 0.34),
    ],
)
def test_expected_accuracy_is_the_share_of_correct_samples(
    k: int, correct: list[float | None], answer: str, confidence: float
) -> None:
    chosen = ExpectedAccuracyTarget(k=k).target(question(), FOUND, correct)

    assert chosen is not None
    assert chosen[0].answer == answer
    assert chosen[1] == pytest.approx(confidence)


def test_expected_accuracy_counts_samples_without_an_answer() -> None:
    half = [replace(cluster, share=cluster.share / 2) for cluster in FOUND]  # 20 were sampled
    chosen = ExpectedAccuracyTarget(k=20).target(question(), half, [1.0, 0.0, 0.0])

    assert chosen is not None and chosen[1] == pytest.approx(0.25)


def test_expected_accuracy_counts_samples_of_omitted_clusters_as_wrong() -> None:
    chosen = ExpectedAccuracyTarget().target(question(), FOUND[:2], [0.0, 1.0])  # one was omitted

    assert chosen is not None and chosen[1] == pytest.approx(4 / 10)


def test_expected_accuracy_needs_all_judgements_that_count() -> None:
    assert ExpectedAccuracyTarget().target(question(), FOUND, [1.0, 1.0, None]) is None


def confidences(target: GroupAccuracyTarget) -> dict[str, float | None]:
    given = items()
    fitted = target.fit(given)
    chosen = {asked.id: fitted.target(asked, found, correct) for asked, found, correct in given}
    return {name: one and one[1] for name, one in chosen.items()}


WANTED = {f"c{n}": 1 / 6 for n in range(6)} | {f"s{n}": 5 / 6 for n in range(6)}


def test_groups_by_label() -> None:
    assert confidences(GroupAccuracyTarget(label="topic")) == pytest.approx(WANTED)


@pytest.mark.parametrize("method", ["kmeans", "agglomerative"])
def test_groups_by_embedding_find_what_is_alike(minilm: str, method: str) -> None:
    options = {"model": minilm, "size": 6, "method": method}

    assert confidences(GroupAccuracyTarget.model_validate(options)) == pytest.approx(WANTED)


def test_one_group_for_all_gives_the_base_rate(minilm: str) -> None:
    assert set(confidences(GroupAccuracyTarget(model=minilm, size=100)).values()) == {0.5}


def test_unjudged_answers_do_not_count() -> None:
    asked = [question(id=str(place), meta={"topic": place > 2}) for place in range(5)]
    verdicts = [1.0, None, 0.5, None, None]
    fitted = GroupAccuracyTarget(label="topic").fit(list(map(item, asked, verdicts)))
    chosen = [fitted.target(*item(one, None)) for one in asked]

    assert [one and one[1] for one in chosen] == [0.75, 0.75, 0.75, None, None]


def test_a_missing_label_is_reported() -> None:
    with pytest.raises(DataError, match="'capital' has no 'topic' in its meta, only nothing"):
        GroupAccuracyTarget(label="topic").fit([item(question(), 1.0)])


def test_a_missing_sentence_model_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be loaded as a sentence model"):
        GroupAccuracyTarget(model=str(tmp_path)).fit(items())
