from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, binom

from saysel.interfaces import PredictionArrays
from saysel.scoring.risk_control import STARTS, p_value, safe_threshold

#: Four sequences, so that each is tested at 0.05.
DELTA = 0.05 * len(STARTS)


def arrays(*groups: tuple[float | None, int, int]) -> PredictionArrays:
    """Groups of answers: their confidence, and how many are correct and wrong."""
    confidence = [c for c, right, wrong in groups for _ in range(right + wrong)]
    correct = [y for _, right, wrong in groups for y in [1] * right + [0] * wrong]
    return PredictionArrays(correct, confidence)


def test_by_hand() -> None:
    # At 0.9: 0.9^40 = 0.015, at most 0.05. At 0.5: P(Binomial(70, 0.1) <= 2) = 0.024.
    # At 0.1 the error rate is 32 %.
    found = safe_threshold(arrays((0.9, 40, 0), (0.5, 28, 2), (0.1, 0, 30)), 0.1, DELTA)

    assert found is not None
    assert (found.confidence, found.answers, found.wrong, found.questions) == (0.5, 70, 2, 100)
    assert found.accepts(0.5) and found.accepts(0.5 - 1e-12) and not found.accepts(0.49)
    assert not found.accepts(None)
    # With 3 wrong answers it is 0.071.
    one_more = safe_threshold(arrays((0.9, 40, 0), (0.5, 27, 3), (0.1, 0, 30)), 0.1, DELTA)
    assert one_more is not None and one_more.confidence == 0.9


def test_a_sequence_ends_at_the_first_threshold_that_is_not_rejected() -> None:
    # All sequences begin at 0.9, where half of the answers are wrong, and end there. At 0.4 only
    # 30 % are.
    bad_top = arrays((0.9, 600, 600), (0.4, 800, 0))

    assert safe_threshold(bad_top, 0.4, DELTA) is None
    assert p_value(np.array([2000.0]), np.array([600.0]), 0.4)[0] < 1e-9


def test_too_few_answers_show_nothing() -> None:
    # 0.9^28 = 0.052: one answer more is needed.
    assert safe_threshold(arrays((0.9, 28, 0)), 0.1, DELTA) is None
    assert safe_threshold(arrays((0.9, 29, 0)), 0.1, DELTA) is not None
    assert safe_threshold(arrays(), 0.1) is None
    assert safe_threshold(arrays((None, 500, 0)), 0.1) is None


def test_declined_replies_are_never_accepted() -> None:
    given = [0.9] * 60 + [0.8] * 60
    answers = PredictionArrays([1] * 60 + [0] * 60, given, declined=[0] * 60 + [1] * 60)

    found = safe_threshold(answers, 0.1, DELTA)

    assert found is not None and (found.confidence, found.answers, found.questions) == (
        0.9,
        60,
        120,
    )


def clustered(answers: PredictionArrays, sizes: list[int]) -> PredictionArrays:
    """Each answer repeated; its copies are a cluster."""
    rows = np.repeat(np.arange(len(answers)), sizes)
    return replace_cluster(answers.take(rows), rows)


def replace_cluster(answers: PredictionArrays, cluster: np.ndarray) -> PredictionArrays:
    return PredictionArrays(
        answers.correct, answers.confidence, cluster=cluster, declined=answers.declined
    )


@pytest.mark.parametrize("size", [1, 3, 20])
def test_equal_answers_of_a_cluster_count_as_one(size: int) -> None:
    few = arrays((0.9, 40, 0), (0.5, 28, 2), (0.1, 0, 30))
    alone = safe_threshold(few, 0.1, DELTA)
    found = safe_threshold(clustered(few, [size] * len(few)), 0.1, DELTA)

    assert alone is not None and found is not None and found.confidence == alone.confidence == 0.5
    assert (found.answers, found.wrong) == (70 * size, 2 * size)
    one_more = clustered(arrays((0.9, 28, 0)), [size] * 28)
    assert safe_threshold(one_more, 0.1, DELTA) is None
    assert safe_threshold(clustered(arrays((0.9, 29, 0)), [size] * 29), 0.1, DELTA) is not None


def test_large_clusters_are_few_answers() -> None:
    many = arrays((0.9, 200, 0))

    assert safe_threshold(many, 0.1, DELTA) is not None
    one = np.repeat([0, 1], 100)
    assert safe_threshold(replace_cluster(many, np.zeros(200)), 0.9, DELTA) is None
    assert safe_threshold(replace_cluster(many, one), 0.1, DELTA) is None
    # 100 answers alone and 100 together: 200² / (100 + 100²) = 4 of 200.
    uneven = np.append(np.arange(100), np.full(100, 100))
    assert safe_threshold(replace_cluster(many, uneven), 0.1, DELTA) is None
    # 190 alone and 10 together: 200² / (190 + 10²) = 138.
    nearly_even = np.append(np.arange(190), np.full(10, 190))
    assert safe_threshold(replace_cluster(many, nearly_even), 0.1, DELTA) is not None


@pytest.mark.parametrize("sizes", ["equal", "unequal"])
@pytest.mark.parametrize("kind", ["all or none", "mostly", "independent"])
def test_the_guarantee_holds_for_other_clusters(sizes: str, kind: str) -> None:
    """A share of .11 is wrong: at a risk of .1, any threshold fails."""
    rng = np.random.default_rng(0)
    failures = 0
    for _ in range(300):
        size = np.full(60, 10) if sizes == "equal" else rng.geometric(0.1, 60)
        share = {
            "all or none": np.where(rng.random(60) < 0.11, 1, 0),
            "mostly": np.where(rng.random(60) < 0.2, 0.55, 0),
            "independent": np.full(60, 0.11),
        }[kind]
        cluster = np.repeat(np.arange(60), size)
        right = rng.random(len(cluster)) >= share[cluster]
        answers = PredictionArrays(right, np.full(len(cluster), 0.9), cluster=cluster)
        failures += safe_threshold(answers, 0.1, 0.05) is not None
    assert failures <= 0.05 * 300


@pytest.mark.parametrize(("answers", "errors"), [(40, 0), (70, 2), (200, 11), (5, 5)])
def test_a_threshold_is_rejected_if_its_clopper_pearson_bound_is_at_most_the_risk(
    answers: int, errors: int
) -> None:
    level, risk = 0.05, 0.1
    p = p_value(np.array([float(answers)]), np.array([float(errors)]), risk)[0]
    bound = beta.ppf(1 - level, errors + 1, answers - errors) if errors < answers else 1.0

    assert p == pytest.approx(binom.cdf(errors, answers, risk))
    assert (p <= level) == (bound <= risk)


@pytest.mark.parametrize("kind", ["calibrated", "tenths", "bump"])
def test_the_guarantee_holds_on_new_questions(kind: str) -> None:
    """The true share of wrong answers exceeds the risk in at most 5 % of the draws.

    In `bump`, the most confident answers are not the best ones.
    """
    rng = np.random.default_rng(0)

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        c = rng.beta(1.5, 1, n)
        if kind == "bump":
            return c, np.where(c > 0.9, 0.85, np.where(c > 0.5, 0.97, 0.5))
        return (c.round(1) if kind == "tenths" else c), c**0.3

    confidence, chance = draw(50_000)
    failures, found = 0, 0
    for _ in range(200):
        c, p = draw(300)
        threshold = safe_threshold(PredictionArrays(rng.random(300) < p, c), 0.1, 0.05)
        if threshold is not None:
            found += 1
            failures += 1 - chance[confidence >= threshold.confidence - 1e-9].mean() > 0.1
    assert found >= 20
    assert failures <= 0.05 * 200
