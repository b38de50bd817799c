from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.errors import DataError, UsageError
from saysel.metrics.accuracy import Accuracy
from saysel.metrics.auroc import Auroc
from saysel.metrics.brier import Brier, BrierReliability
from saysel.metrics.distinct_confidences import DistinctConfidences
from saysel.metrics.ece import Ece, Mce
from saysel.metrics.mean_overconfidence import MeanOverconfidence
from saysel.metrics.nll import Nll
from saysel.metrics.parse_rate import ParseRate
from saysel.metrics.risk_coverage import Augrc, Aurc, Prr
from saysel.metrics.sayself_mae import SaySelfMae
from saysel.metrics.smooth_ece import SmoothEce
from saysel.records import Prediction
from saysel.scoring import Method, compare
from saysel.scoring.differences import holm

METRICS = [
    Accuracy(use="accuracy"),
    Brier(use="brier"),
    Auroc(use="auroc"),
    DistinctConfidences(use="distinct_confidences"),
]


def method(name: str, noise: float, n: int = 300, first: int = 0) -> Method:
    """Confidences about questions whose difficulty all methods share."""
    rng = np.random.default_rng(7)
    chance = rng.random(n)
    correct = (rng.random(n) < chance).astype(float)
    stated = np.clip(chance + noise * rng.standard_normal(n), 0, 1).round(1)
    return Method(
        name,
        [
            Prediction(f"q{first + i}", "", "a", None, float(stated[i]), float(correct[i]))
            for i in range(n)
        ],
    )


def test_the_same_predictions_do_not_differ():
    one = method("a", 0.1)
    made = compare([one, replace(one, name="b")], METRICS, resamples=200)
    assert (made.reference, made.questions, made.left_out) == ("a", 300, 0)
    *tested, distinct = made.differences
    assert [(each.difference, each.low, each.high) for each in tested] == [(0, 0, 0)] * 3
    assert (distinct.difference, distinct.low, distinct.high) == (0, None, None)
    assert {each.outcome for each in made.differences} == {"unclear"}
    assert [d.p for d in made.differences] == [1, 1, 1, None]
    assert [d.favour for d in made.differences] == [0.5, 0.5, 0.5, None]


def test_the_better_method_is_identified_in_either_order():
    good, bad = method("good", 0.05), method("bad", 0.6)
    _, brier, auroc, distinct = compare([bad, good], METRICS, resamples=2000).differences
    assert brier.difference < 0 and auroc.difference > 0
    assert brier.favour > 0.99 and auroc.favour > 0.99
    assert brier.outcome == auroc.outcome == "better"
    assert brier.low < brier.difference < brier.high < 0
    _, back, *_ = compare([good, bad], METRICS, resamples=2000).differences
    assert back.outcome == "worse" and back.difference == -brier.difference
    assert back.favour == pytest.approx(1 - brier.favour)
    assert (distinct.better, distinct.p, distinct.outcome) == ("neither", None, "unclear")


def test_a_count_has_no_interval():
    """A resample repeats questions, so it has fewer different confidences than the questions."""
    rng = np.random.default_rng(0)
    continuous = method("continuous", 0)
    predictions = [replace(one, confidence=rng.random()) for one in continuous.predictions]
    rounded = method("rounded", 0)
    *_, distinct = compare(
        [rounded, replace(continuous, predictions=predictions)], METRICS, resamples=200
    ).differences
    assert distinct.difference == 300 - 11
    assert (distinct.low, distinct.high) == (None, None)


def test_pairs_are_resampled_together():
    """The difference of two means has the standard error of the paired differences."""
    one, other = method("one", 0.1), method("other", 0.2)
    _, brier, *_ = compare([one, other], METRICS, resamples=4000).differences
    each = [
        (b.confidence - b.correct) ** 2 - (a.confidence - a.correct) ** 2
        for a, b in zip(one.predictions, other.predictions, strict=True)
    ]
    half = 1.96 * np.std(each) / np.sqrt(len(each))
    assert brier.difference == pytest.approx(np.mean(each))
    assert (brier.high - brier.low) / 2 == pytest.approx(half, rel=0.1)


def test_the_order_of_the_rows_does_not_matter():
    one, other = method("one", 0.1), method("other", 0.3)
    turned = replace(other, predictions=other.predictions[::-1])
    assert compare([one, turned], METRICS, resamples=50) == compare(
        [one, other], METRICS, resamples=50
    )


def test_chance_differences_are_sure_about_as_often_as_they_may_be():
    sure = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        pair = [
            Method(
                name,
                [
                    Prediction(f"q{i}", "", "a", None, float(c), float(rng.random() < 0.5))
                    for i, c in enumerate(rng.integers(0, 11, 80) / 10)
                ],
            )
            for name in "ab"
        ]
        made = compare(pair, [Brier(), Auroc()], resamples=300, seed=seed)
        sure += any(difference.outcome != "unclear" for difference in made.differences)
    assert sure <= 13  # 5 % of 100, and what chance adds


@pytest.mark.parametrize("metric", [Ece(), Mce(), BrierReliability()])
def test_how_many_confidences_there_are_decides_nothing(metric):
    """Both perfectly calibrated; chance makes more of ten confidences than of one."""
    sure = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        chance = rng.integers(0, 11, 300) / 10
        correct = (rng.random(300) < chance).astype(float)
        pair = [
            Method(
                name,
                [
                    Prediction(f"q{i}", "", "a", None, float(c), float(y))
                    for i, (c, y) in enumerate(zip(stated, correct, strict=True))
                ],
            )
            for name, stated in (("level", np.full(300, 0.5)), ("ten", chance))
        ]
        (made,) = compare(pair, [metric], resamples=200, seed=seed).differences
        assert made.low <= made.difference <= made.high
        sure += made.outcome != "unclear"
    assert sure <= 3  # 5 % of 20, and what chance adds


def test_values_below_zero_are_compared_like_others():
    """Confidence upside down: its ranking is worse than chance, and its gap negative."""
    pair = []
    for seed, name in enumerate("ab"):
        rng = np.random.default_rng(seed)
        correct = [float(i % 2) for i in range(200)]
        stated = [round(float(0.3 - 0.2 * y + 0.1 * rng.random()), 2) for y in correct]
        answers = zip(stated, correct, strict=True)
        predictions = [Prediction(f"q{i}", "", "a", None, c, y) for i, (c, y) in enumerate(answers)]
        pair.append(Method(name, predictions))

    gap, prr = compare(pair, [MeanOverconfidence(), Prr()], resamples=500).differences

    assert gap.after < 0 and prr.after < 0
    for made in (gap, prr):
        assert made.low <= made.difference <= made.high
    assert prr.p > 0.05 and prr.outcome == "unclear"


@pytest.mark.parametrize("metric", [Ece(), SmoothEce(), BrierReliability()])
def test_much_worse_calibration_is_significant(metric):
    good, bad = method("good", 0.05, n=500), method("bad", 0.6, n=500)
    (made,) = compare([good, bad], [metric], resamples=1000).differences
    assert made.outcome == "worse" and 0 < made.low < made.difference < made.high
    (back,) = compare([bad, good], [metric], resamples=1000).differences
    assert back.outcome == "better" and back.high < 0


def test_different_questions_need_intersect():
    one, other = method("one", 0.1, n=50), method("other", 0.1, n=50, first=10)
    with pytest.raises(UsageError) as caught:
        compare([one, other], METRICS, resamples=10)
    assert str(caught.value) == (
        "the questions differ: one has 50, other has 50, and 40 are shared; "
        "add --intersect to compare on those"
    )
    made = compare([one, other], METRICS, intersect=True, resamples=10)
    assert made.questions == 40 and made.asked == {"one": 50, "other": 50}
    with pytest.raises(UsageError, match="no question is shared"):
        compare([one, method("far", 0.1, first=900)], METRICS, intersect=True, resamples=10)


def test_one_id_with_two_texts_is_two_questions():
    one, other = method("one", 0.1, n=3), method("other", 0.1, n=3)
    texts = {"q0": "Where?", "q1": "Who?"}
    one, other = replace(one, prompts=texts), replace(other, prompts={**texts, "q1": "When?"})
    with pytest.raises(UsageError, match="2 are shared"):
        compare([one, other], METRICS, resamples=10)


def test_the_same_texts_under_other_ids_are_named():
    """Rows without ids are numbered; in another order, no number has the same question."""
    one, other = method("one", 0.1, n=3), method("other", 0.1, n=3)
    one = replace(one, prompts={"q0": "Where?", "q1": "Who?", "q2": "When?"})
    other = replace(other, prompts={"q0": "When?", "q1": "Who?", "q2": "Where?"})
    with pytest.raises(UsageError, match=r"3 questions .* only 1 of them .*--column id="):
        compare([one, other], METRICS, resamples=10)
    assert compare([one, other], METRICS, intersect=True, resamples=10).questions == 1
    apart = replace(other, prompts={"q0": "Who?", "q1": "When?", "q2": "Where?"})
    with pytest.raises(UsageError, match=r"3 questions .* only 0 of them"):
        compare([one, apart], METRICS, intersect=True, resamples=10)


def test_what_was_not_judged_for_all_is_left_out():
    one, other = method("one", 0.1, n=20), method("other", 0.1, n=20)
    gap = [replace(other.predictions[0], correct=None), *other.predictions[1:]]
    made = compare([one, replace(other, predictions=gap)], METRICS, resamples=10)
    assert (made.questions, made.left_out) == (19, 1)
    nobody = [replace(p, correct=None) for p in other.predictions]
    with pytest.raises(UsageError, match="none of the 20 shared questions was judged"):
        compare([one, replace(other, predictions=nobody)], METRICS, resamples=10)


def test_what_is_not_defined_is_not_tested():
    right = [Prediction(f"q{i}", "", "a", None, 0.5, 1.0) for i in range(9)]
    made = compare([Method("a", right), Method("b", right)], METRICS, resamples=10)
    auroc = made.differences[2]
    assert (auroc.before, auroc.difference, auroc.p, auroc.p_holm) == (None,) * 4


def test_methods_have_distinct_names_and_questions_once():
    one = method("one", 0.1, n=3)
    with pytest.raises(UsageError, match="two methods have the same name: one, one"):
        compare([one, one], METRICS)
    with pytest.raises(UsageError, match="nothing to compare: one only"):
        compare([one], METRICS)
    twice = replace(one, name="twice", predictions=[*one.predictions, one.predictions[0]])
    with pytest.raises(DataError, match="twice: two predictions for the question 'q0'"):
        compare([one, twice], METRICS)


def test_holm_worked_out_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([0.6, 0.7]).tolist() == [1, 1]
    assert holm([]).tolist() == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_keeps_the_order_and_only_raises(p):
    corrected = holm(p)
    assert (corrected >= np.array(p)).all() and (corrected <= 1).all()
    assert (np.diff(corrected[np.argsort(p, kind="stable")]) >= 0).all()
    assert (corrected <= np.minimum(1, np.array(p) * max(len(p), 1)) + 1e-12).all()  # Bonferroni


def withholding(method: Method, share: float, seed: int = 3) -> Method:
    """The same method, without a confidence on a share of its wrong answers."""
    rng = np.random.default_rng(seed)
    return Method(
        "withholding",
        [
            replace(p, confidence=None) if not p.correct and rng.random() < share else p
            for p in method.predictions
        ],
    )


@pytest.mark.parametrize(("noise", "share"), [(0.05, 0.34), (0.3, 0.9)])
def test_withholding_confidence_on_wrong_answers_is_no_improvement(noise, share):
    metrics = [
        *(Brier(), Ece(), Nll(), Aurc(), Auroc(), SmoothEce(), Prr(), Augrc(), SaySelfMae()),
        *(Accuracy(), ParseRate()),
    ]
    one = method("full", noise)
    pair = [one, withholding(one, share)]
    *made, accuracy, parse_rate = compare(pair, metrics, resamples=1000).differences
    for difference in made:
        assert difference.difference == 0 and difference.outcome == "unclear"
        wrong_way = difference.worst * (1 if difference.better == "lower" else -1)
        assert wrong_way > 0 and difference.questions < 300
    assert accuracy.difference == 0 and accuracy.worst is None and accuracy.questions == 300
    assert parse_rate.outcome == "worse" and parse_rate.questions == 300


def test_what_turns_around_at_worst_is_unclear():
    """Certain on the questions that both state; the other way round if the missing were worst."""
    rough, fine = method("rough", 0.6), method("fine", 0.02)
    brier = compare([rough, fine], [Brier()]).differences[0]
    assert brier.outcome == "better" and brier.worst is None
    hiding = withholding(fine, 0.95)
    for pair, turned in ([rough, hiding], -1), ([hiding, rough], 1):
        made = compare(pair, [Brier()]).differences[0]
        assert made.p_holm < 0.05 and made.difference * turned > 0
        assert made.worst * turned < 0 and made.outcome == "unclear"


def declining(method: Method, ids: set[str]) -> Method:
    """The same method, declining to answer some questions."""
    return Method(
        "declining",
        [
            replace(p, answer=None, confidence=None, correct=0.0, declined=True)
            if p.question_id in ids
            else p
            for p in method.predictions
        ],
    )


def test_a_declined_reply_is_no_missing_confidence():
    """Its question is left out for both; the other questions are compared as if alone."""
    rough, fine = method("rough", 0.6), method("fine", 0.02)
    wrong = {p.question_id for p in fine.predictions if not p.correct}
    pair = [rough, declining(fine, wrong)]
    both = [Method(m.name, [p for p in m.predictions if p.question_id not in wrong]) for m in pair]
    made, alone = (compare(one, [Brier(), Aurc()], resamples=1000) for one in (pair, both))
    assert [(d.before, d.after, d.worst) for d in made.differences] == [
        (d.before, d.after, None) for d in alone.differences
    ]
    assert made.missing == {"rough": 0, "declining": 0}
    assert made.declined == {"rough": 0, "declining": len(wrong)}
    assert "missing at worst" not in str(made) and f"declining: {len(wrong)}" in str(made)
    # Missing confidences among the others are at their worst on the same questions for both.
    hiding = [pair[0], Method("declining", list(pair[1].predictions))]
    for number, p in enumerate(hiding[1].predictions):
        if not p.declined and number % 3 == 0:
            hiding[1].predictions[number] = replace(p, confidence=None)
    (brier,) = compare(hiding, [Brier()], resamples=1000).differences
    old = {p.question_id: (p.correct - p.confidence) ** 2 for p in rough.predictions}
    new = [
        (p.question_id, 1.0 if p.confidence is None else (p.correct - p.confidence) ** 2)
        for p in hiding[1].predictions
        if not p.declined
    ]
    assert brier.worst == pytest.approx(np.mean([loss - old[id] for id, loss in new]))


def test_a_large_family_can_still_be_certain():
    """300 tests: with 10,000 resamples the least corrected p is .06."""
    pair = [method("bad", 0.6, 80), method("good", 0.05, 80)]
    few = compare(pair, [Brier()] * 300, resamples=10_000)
    assert few.resamples < few.resamples_needed == 12_000
    assert {one.outcome for one in few.differences} == {"unclear"}
    made = compare(pair, [Brier()] * 300)
    assert made.resamples == 60_000
    assert {one.outcome for one in made.differences} == {"better"}


def test_a_difference_of_less_than_half_a_thousandth_is_unclear():
    one = method("one", 0.1)
    shifted = [
        replace(p, confidence=abs(p.confidence - 0.0001) if p.correct else p.confidence)
        for p in one.predictions
    ]
    (made,) = compare([one, Method("other", shifted)], [Brier()]).differences
    assert made.p_holm < 0.05 and 0 < made.difference < 0.0005 and made.outcome == "unclear"


def clustered(seed: int, clusters: int = 12, size: int = 40) -> list[Method]:
    """Two methods that differ by chance alone, but by the same amount throughout a cluster."""
    rng = np.random.default_rng(seed)
    ids = [f"{k}/{i}" for k in range(clusters) for i in range(size)]
    groups = {id: id.partition("/")[0] for id in ids}
    made = []
    for name in "ab":
        chance = dict(zip(map(str, range(clusters)), rng.random(clusters), strict=True))
        right = [float(rng.random() < chance[groups[id]]) for id in ids]
        predictions = [
            Prediction(id, "", "", None, 0.5, y) for id, y in zip(ids, right, strict=True)
        ]
        made.append(Method(name, predictions, clusters=groups))
    return made


def test_clusters_are_resampled_whole():
    """Treated as independent, chance differences between clusters look certain."""
    certain = {True: 0, False: 0}
    for seed in range(40):
        pair = clustered(seed)
        for keep in certain:
            asked = pair if keep else [replace(one, clusters={}) for one in pair]
            made = compare(asked, [Accuracy()], resamples=400, seed=seed)
            certain[keep] += made.differences[0].outcome != "unclear"
            assert made.clusters == (12 if keep else None)
    assert certain[True] <= 6 and certain[False] >= 20  # of 40; 5 % would be 2


def test_noise_of_clusters_is_no_difference():
    """Both are calibrated, and all ten answers of a cluster are right or all are wrong."""
    mce, certain = Mce(bins=20), 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        chance = np.repeat((np.arange(20) + 0.5) / 20, 30)
        right = np.repeat(rng.random(60), 10) < chance
        pair = [
            Method(
                name,
                [
                    Prediction(f"{i}", "", "a", None, float(stated[i]), float(right[i]))
                    for i in range(600)
                ],
                clusters={f"{i}": f"{i // 10}" for i in range(600)},
            )
            for name, stated in (("constant", np.full(600, 0.5)), ("sharp", chance))
        ]
        (made,) = compare(pair, [mce], resamples=200, seed=seed).differences
        certain += made.p < 0.05
    assert certain <= 2  # of 12


def test_few_questions_or_clusters_that_agree_are_not_certain():
    """The better method is better on each of them; four do so by chance once in eight times."""
    bad, good = method("bad", 0, 4), method("good", 0, 4)
    for one, gap in ((bad, 0.5), (good, 0.1)):
        one.predictions[:] = [replace(p, confidence=abs(p.correct - gap)) for p in one.predictions]
    (few,) = compare([bad, good], [Brier()]).differences
    assert few.favour == 1 and few.p == 1 / 8
    for count, p in ((1, None), (4, 1 / 8)):
        pair = [
            Method(
                one.name,
                [
                    replace(p, question_id=f"{p.question_id}/{i}")
                    for p in one.predictions
                    for i in range(9)
                ],
                clusters={f"q{k}/{i}": str(k % count) for k in range(4) for i in range(9)},
            )
            for one in (bad, good)
        ]
        (made,) = compare(pair, [Brier()]).differences
        assert made.difference < -0.2 and made.p == p and made.outcome == "unclear"
        assert (made.low is None) == (count == 1)


def test_a_question_without_a_cluster_is_refused():
    one, other = clustered(0)
    with pytest.raises(DataError, match=r"question '0/0' has no cluster, but others have"):
        compare([replace(one, clusters={"0/1": "0"}), other], [Accuracy()])
