from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from saysel.errors import UsageError
from saysel.metrics.accuracy import Accuracy
from saysel.metrics.brier import Brier
from saysel.metrics.coverage import Truthfulness
from saysel.metrics.distinct_confidences import DistinctConfidences
from saysel.metrics.ece import Ece
from saysel.records import Prediction
from saysel.registry import build
from saysel.scoring import Method, Setting, compare, pool, score, to_arrays
from saysel.scoring.across_seeds import across_seeds
from saysel.scoring.bootstrap import percentile_interval
from saysel.scoring.shares import mean_share_interval

BRIER, ACCURACY = Brier(use="brier"), Accuracy(use="accuracy")


def method(
    correct: list[float], confidence: list[float | None], seed: str = "", cluster: str = ""
) -> Method:
    """Predictions for the questions `SEED/q0`, `SEED/q1` …"""
    predictions = [
        Prediction(f"{seed}/q{i}", "", "a", None, stated, right)
        for i, (right, stated) in enumerate(zip(correct, confidence, strict=True))
    ]
    clusters = {one.question_id: cluster for one in predictions} if cluster else {}
    return Method("", predictions, clusters=clusters)


def drawn(
    rng: np.random.Generator, seed: str, n: int = 200, shift: float = 0.0, noise: float = 0.0
) -> Method:
    """Calibrated confidences; a shift makes them wrong, and noise as well."""
    chance = rng.random(n)
    stated = np.clip(chance + shift + noise * rng.standard_normal(n), 0, 1).round(1)
    return method(list((rng.random(n) < chance).astype(float)), list(stated), seed)


# ------------------------------------------------------------------------- worked by hand


def test_a_setting_is_the_mean_of_its_seeds():
    """Brier scores of (0 + 1)/2, (.25 + .25)/2 and 0: the mean is .25, whatever their sizes."""
    setting = Setting(
        "a",
        {
            "0": method([1, 1], [1, 0], "0"),
            "1": method([1, 0], [0.5, 0.5], "1"),
            "2": method([1, 1, 1], [1, 1, 1], "2"),
        },
    )
    brier, distinct = pool([setting], [BRIER, DistinctConfidences(use="distinct")]).scores

    assert brier.values == {"0": 0.5, "1": 0.25, "2": 0.0}
    assert (brier.mean, brier.range) == (0.25, (0.0, 0.5))
    assert (distinct.mean, distinct.range) == (pytest.approx(4 / 3), (1, 2))
    assert (distinct.low, distinct.high) == (None, None)


def test_seeds_on_different_questions_have_students_interval():
    """Values .1, .2, .6: mean .3, s = .2646, and .3 ± 4.303 · .2646/√3 = -.357 to .957."""
    values = np.array([0.1, 0.2, 0.6])
    rng = np.random.default_rng(0)
    draws = values[:, None] + 0.01 * rng.standard_normal((3, 40_000))

    interval = percentile_interval(across_seeds(values, draws, seed=1))

    assert interval == pytest.approx((-0.357, 0.957), abs=0.03)


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_seeds_that_agree_by_chance_are_no_evidence_beyond_their_questions(seeds: int):
    """On each seed, 7 answers become right and 5 wrong: with 5 seeds p is .37 (McNemar)."""
    rng = np.random.default_rng(0)
    before, after = {}, {}
    for seed in map(str, range(seeds)):
        right = np.array([0.0] * 80 + [1.0] * 120)
        changed = right.copy()
        changed[rng.permutation(80)[:7]] = 1
        changed[80 + rng.permutation(120)[:5]] = 0
        before[seed] = method(list(right), [0.5] * 200, seed)
        after[seed] = method(list(changed), [0.5] * 200, seed)
    pooled = pool([Setting("a", before), Setting("b", after)], [ACCURACY])

    (difference,) = pooled.differences
    assert difference.difference == pytest.approx(0.01)
    half = 1.96 * (12 * seeds) ** 0.5 / (200 * seeds)
    assert (difference.low, difference.high) == pytest.approx((0.01 - half, 0.01 + half), abs=0.004)
    assert difference.p > 0.2 and difference.outcome == "unclear"


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=5), st.sampled_from([0.01, 0.1, 1.0]))
@example([0.0, 0.02, 0.04], 0.047)  # the questions decide at 95 %, the seeds at 99 %
def test_at_every_level_both_errors_are_inside_the_interval(values, noise):
    """Also at those of Holm's correction, where Student's tails are heavier than a bootstrap's."""
    observed = np.array(values)
    draws = observed[:, None] + noise * np.random.default_rng(0).normal(size=(len(values), 8_000))
    pooled = across_seeds(observed, draws, 0)

    of_questions = noise / len(values) ** 0.5
    for level in (0.05, 0.01):
        low, high = np.quantile(pooled, [level / 2, 1 - level / 2])
        student = stats.t.ppf(1 - level / 2, len(values) - 1) * stats.sem(values)
        normal = stats.norm.ppf(1 - level / 2) * of_questions
        half = 0.7 * max(student, normal)  # of 8,000 draws, 40 are more extreme on each side
        assert low <= observed.mean() - half and high >= observed.mean() + half


@pytest.mark.parametrize("name", ["brier", "auroc", "ece", "nll", "mean_overconfidence", "augrc"])
def test_intervals_over_few_seeds_end_at_the_smallest_and_largest_possible_value(name: str):
    """Student's t for two seeds reaches thirteen standard errors in either direction."""
    rng = np.random.default_rng(0)
    metric = build("metric", name)
    calibrated = {"0": drawn(rng, "0"), "1": drawn(rng, "1", shift=0.4)}
    noisy = {"0": drawn(rng, "0", noise=0.5), "1": drawn(rng, "1", noise=0.1)}
    pooled = pool([Setting("a", calibrated), Setting("b", noisy)], [metric])

    least, most = metric.bounds
    assert most - least < np.inf or name == "nll"
    for one in pooled.scores:
        assert least <= one.low <= one.mean <= one.high <= most
    (difference,) = pooled.differences
    assert least - most <= difference.low <= difference.high <= most - least


def test_an_error_that_all_seeds_share_is_added():
    """Equal seeds on the same questions know no more than one of them."""
    errors = 0.01 * np.random.default_rng(0).standard_normal(20_000)
    draws = np.tile(0.3 + errors, (5, 1))

    pooled = across_seeds(np.full(5, 0.3), draws, seed=1)

    assert np.sort(pooled) == pytest.approx(np.sort(draws[0] - errors.mean()))


def test_a_single_seed_has_the_interval_of_its_questions():
    one = drawn(np.random.default_rng(0), "0")
    other = drawn(np.random.default_rng(0), "0", noise=0.4)

    pooled = pool([Setting("a", {"0": one}), Setting("b", {"0": other})], [BRIER], resamples=500)
    compared = compare([one, Method("b", other.predictions)], [BRIER], resamples=500)

    assert pooled.differences == compared.differences


def test_the_same_questions_on_all_seeds_are_resampled_together():
    """Otherwise five seeds on 50 questions would count as 250 questions."""
    rng = np.random.default_rng(3)
    correct = list((rng.random(50) < 0.5).astype(float))

    def width(places: list[str]) -> float:
        seeds = {
            str(number): method(correct, [0.0] * 50, place) for number, place in enumerate(places)
        }
        (brier,) = pool([Setting("a", seeds)], [BRIER]).scores
        return brier.high - brier.low

    assert width([""] * 5) == pytest.approx(width([""]), rel=0.02)
    # Five seeds that do not differ, although each has its own questions: 250 questions.
    assert width(list("01234")) == pytest.approx(width([""]) / 5**0.5, rel=0.1)


def test_clusters_are_the_same_on_every_seed():
    """Two relations, one right and one wrong: whichever is drawn, all seeds see it."""
    seeds = {}
    for seed in "012":
        right, wrong = method([1] * 20, [0.5] * 20, seed), method([0] * 20, [0.5] * 20, f"{seed}w")
        seeds[seed] = Method(
            "",
            [*right.predictions, *wrong.predictions],
            clusters={
                **{one.question_id: "capital" for one in right.predictions},
                **{one.question_id: "author" for one in wrong.predictions},
            },
        )
    (accuracy,) = pool([Setting("a", seeds)], [ACCURACY]).scores
    assert (accuracy.mean, accuracy.low, accuracy.high) == pytest.approx((0.5, 0, 1), abs=0.02)


@pytest.mark.parametrize("count", [1, 3])
def test_few_clusters_of_one_seed_count_as_in_a_comparison(count):
    """A single cluster says nothing about others, and three clusters say little."""
    rng = np.random.default_rng(0)
    clusters = {f"/q{i}": f"relation {i % count}" for i in range(60)}
    one, other = (
        replace(drawn(rng, "", 60, noise=noise), clusters=clusters) for noise in (0.0, 0.4)
    )
    metrics = [BRIER, ACCURACY]

    pooled = pool([Setting("a", {"0": one}), Setting("b", {"0": other})], metrics, resamples=500)
    compared = compare([one, replace(other, name="b")], metrics, resamples=500)

    assert pooled.differences == compared.differences
    assert (pooled.differences[0].p is None) == (count == 1)
    assert pooled.comparison().clusters == compared.clusters == count
    brier = pooled.score("a", "brier")
    expected = score(to_arrays(one.predictions, clusters), [BRIER], resamples=500)["brier"]
    assert (brier.low, brier.high) == pytest.approx((expected.low, expected.high), abs=0.02)


def test_the_clusters_of_a_comparison_are_those_of_all_seeds():
    """Two seeds with one relation in common have three relations; questions in none are none."""
    seeds = {
        seed: Method("", [*one.predictions, *two.predictions], clusters=one.clusters | two.clusters)
        for seed, (one, two) in {
            "0": (method([1], [1], "0", "capital"), method([1], [1], "0b", "author")),
            "1": (method([0], [1], "1", "capital"), method([1], [1], "1b", "genre")),
        }.items()
    }
    settings = [Setting("a", seeds), Setting("b", seeds)]
    assert pool(settings, [BRIER], resamples=50).comparison().clusters == 3
    alone = [Setting(name, {"0": method([1, 0], [1, 0])}) for name in "ab"]
    assert pool(alone, [BRIER], resamples=50).comparison().clusters is None


@pytest.mark.parametrize("known", ["prompts", "clusters"])
def test_a_question_is_one_unit_even_if_only_one_setting_knows_its_text_or_cluster(known):
    """Equal predictions do not differ, on any resample."""
    one = drawn(np.random.default_rng(0), "", 40)
    names = {prediction.question_id: f"of {i // 2}" for i, prediction in enumerate(one.predictions)}
    full = replace(one, **{known: names})
    settings = [
        Setting("full", {"0": full, "1": full}),
        Setting("bare", {"0": one, "1": full}),
        Setting("first bare", {"0": full, "1": one}),
    ]

    for reference in ("full", "bare"):
        for difference in pool(settings, [BRIER], reference, resamples=50).differences:
            assert (difference.low, difference.high) == (0, 0)


def test_an_id_with_another_text_is_another_question():
    a, b = (replace(method([1, 0], [1, 1]), prompts={"/q0": t, "/q1": "same"}) for t in ("x", "y"))
    (difference,) = pool([Setting("a", {"0": a}), Setting("b", {"0": b})], [BRIER]).differences
    assert difference.questions == 1


# --------------------------------------------------------------------------------- shares


@pytest.mark.parametrize("clusters", [0, 4], ids=["questions", "clusters"])
@pytest.mark.parametrize("right", [0, 10, 7, 19, 20])
def test_a_share_on_one_seed_has_the_interval_of_a_score(right, clusters):
    one = method([1.0] * right + [0.0] * (20 - right), [0.5] * 20)
    if clusters:
        names = {p.question_id: f"c{i % clusters}" for i, p in enumerate(one.predictions)}
        one = replace(one, clusters=names)
    metrics = [ACCURACY, Truthfulness(use="truthfulness")]
    pooled = pool([Setting("a", {"0": one})], metrics, resamples=50).scores
    scored = score(to_arrays(one.predictions, one.clusters), metrics)
    for mine, theirs in zip(pooled, scored, strict=True):
        assert (mine.low, mine.high) == pytest.approx((theirs.low, theirs.high))


def test_a_share_on_equal_seeds_is_as_uncertain_as_on_its_questions():
    """Ten of ten is .722 to 1 by Wilson, and no more if three seeds repeat it; thirty of thirty
    different questions are .886 to 1."""
    right = [1.0] * 10

    def interval(places: list[str]) -> tuple[float, float]:
        seeds = {str(i): method(right, [0.5] * 10, place) for i, place in enumerate(places)}
        (accuracy,) = pool([Setting("a", seeds)], [ACCURACY], resamples=50).scores
        return accuracy.low, accuracy.high

    assert interval([""]) == interval([""] * 3) == pytest.approx((0.722, 1), abs=1e-3)
    assert interval(list("012")) == pytest.approx((0.886, 1), abs=1e-3)


def test_seeds_whose_shares_differ_have_students_interval():
    """Shares .5, .6, .4 of 1,000 questions each: s²/3 = .00333, and z²/n = 4.303² · .00333 / .25,
    which is .2469. Wilson's interval of .5 is then .5 ± .5 · √(.2469 / 1.2469)."""
    seeds = {
        name: method([1.0] * n + [0.0] * (1000 - n), [0.5] * 1000, name)
        for name, n in (("0", 500), ("1", 600), ("2", 400))
    }
    (accuracy,) = pool([Setting("a", seeds)], [ACCURACY], resamples=50).scores
    assert (accuracy.low, accuracy.high) == pytest.approx((0.2775, 0.7225), abs=1e-3)


@pytest.mark.parametrize("shared", [False, True], ids=["different questions", "same questions"])
@pytest.mark.parametrize("between", [0.0, 0.5])
@pytest.mark.parametrize("mean", [0.6, 0.95])
def test_the_interval_of_a_share_contains_the_true_mean(mean, between, shared):
    """Three seeds of 40 questions; a question's difficulty is the same on every seed."""
    simulations, n, seeds = 400, 40, 3
    rng = np.random.default_rng(1)
    logit = np.log(mean / (1 - mean))
    chances = 1 / (1 + np.exp(-(logit + rng.standard_normal(20_000) * np.hypot(1, between))))
    covered = 0
    for _ in range(simulations):
        questions = rng.standard_normal((1 if shared else seeds, n))
        shift = between * rng.standard_normal((seeds, 1))
        chance = 1 / (1 + np.exp(-(logit + questions + shift)))
        values = (rng.random((seeds, n)) < chance).astype(float)
        units = np.arange(seeds * n).reshape(seeds, n) % (n if shared else seeds * n)
        low, high = mean_share_interval(list(values), list(units), clustered=False)
        covered += low <= chances.mean() <= high
    assert covered / simulations > 0.93


# ------------------------------------------------------------------------------- coverage


@pytest.mark.parametrize("shared", [False, True], ids=["different questions", "same questions"])
@pytest.mark.parametrize("between", [0.0, 0.5, 3.0])
@pytest.mark.parametrize("seeds", [3, 5])
def test_the_interval_contains_the_true_mean_in_95_of_100_cases(seeds, between, shared):
    """Seeds that differ by chance alone, by half of the questions' noise, and by three times it."""
    simulations, count = 400, 400
    rng = np.random.default_rng(seeds)
    covered = 0
    for _ in range(simulations):
        size = (1 if shared else seeds, 1)
        truth = between * rng.standard_normal((seeds, 1)) + rng.standard_normal(size)
        draws = truth + rng.standard_normal((size[0], count))
        values = truth[:, 0]
        low, high = percentile_interval(across_seeds(values, draws, seed=int(rng.integers(1e9))))
        covered += low <= 0 <= high
    error = 2.6 * np.sqrt(0.95 * 0.05 / simulations)
    assert covered / simulations > 0.95 - error - 0.01  # quantiles of 400 resamples are rough


# ----------------------------------------------------------------------------- invariants


@given(
    st.lists(st.floats(0, 1), min_size=2, max_size=6),
    st.floats(-5, 5),
    st.floats(0.01, 100),
    st.integers(0, 2**32 - 1),
)
def test_draws_move_and_stretch_with_the_values(values, shift, scale, seed):
    observed = np.array(values)
    rng = np.random.default_rng(seed)
    draws = observed[:, None] + 0.1 * rng.standard_normal((len(values), 50))

    pooled = across_seeds(observed, draws, seed)
    moved = across_seeds(shift + scale * observed, shift + scale * draws, seed)

    assert moved == pytest.approx(shift + scale * pooled, rel=1e-6, abs=1e-6)
    assert across_seeds(observed[::-1], draws[::-1], seed) == pytest.approx(pooled, abs=1e-9)


def test_the_order_of_seeds_and_settings_does_not_matter():
    rng = np.random.default_rng(0)
    a = Setting("a", {seed: drawn(rng, seed, 60) for seed in "01"})
    b = Setting("b", {seed: drawn(rng, seed, 60, noise=0.3) for seed in "01"})
    turned = Setting("b", dict(reversed(b.seeds.items())))

    one = pool([a, b], [BRIER], resamples=100)
    other = pool([turned, a], [BRIER], reference="a", resamples=100)

    (first,), (second,) = one.differences, other.differences
    assert first.low == pytest.approx(second.low) and first.p == second.p
    assert one.score("b", "brier").high == pytest.approx(other.score("b", "brier").high)


# ------------------------------------------------------------------- differences and tests


def test_a_difference_that_every_seed_has_is_significant():
    settings = [
        Setting(name, {seed: drawn(np.random.default_rng(int(seed)), seed, noise=noise)
                       for seed in "01234"})
        for name, noise in (("good", 0.0), ("same", 0.0), ("bad", 0.5))
    ]  # fmt: skip
    pooled = pool(settings, [BRIER, ACCURACY, Ece(use="ece")])

    outcomes = {(one.method, one.metric): one.outcome for one in pooled.differences}
    assert outcomes["bad", "brier"] == outcomes["bad", "ece"] == "worse"
    assert {outcome for (name, _), outcome in outcomes.items() if name == "same"} == {"unclear"}
    bad = pooled.difference("bad", "brier")
    by_seed = np.subtract(*(
        [pooled.score(name, "brier").values[seed] for seed in "01234"] for name in ("bad", "good")
    ))  # fmt: skip
    assert bad.difference == pytest.approx(by_seed.mean())
    assert bad.low < bad.difference < bad.high
    assert pooled.seeds == tuple("01234")


@pytest.mark.parametrize("seeds", ["0", "012"])
@pytest.mark.parametrize("known", ["ids", "prompts", "clusters"])
def test_a_p_value_is_never_below_the_chance_that_so_few_units_agree(known, seeds):
    """Three questions, or three clusters of two, are no more on three seeds: p = 2^(1 - 3)."""
    n = 6 if known == "clusters" else 3

    def setting(name: str, right: float) -> Setting:
        methods = {s: method([right] * n, [0.5] * n, "" if known == "ids" else s) for s in seeds}
        for s, one in methods.items():
            names = {made.question_id: str(i % 3) for i, made in enumerate(one.predictions)}
            methods[s] = one if known == "ids" else replace(one, **{known: names})
        return Setting(name, methods)

    (accuracy,) = pool([setting("a", 0), setting("b", 1)], [ACCURACY]).differences
    assert (accuracy.difference, accuracy.p) == (1, 0.25)
    assert accuracy.questions == n * len(seeds)


def test_questions_that_each_seed_has_to_itself_all_count():
    settings = [
        Setting(name, {seed: method([right] * 3, [0.5] * 3, seed) for seed in "012"})
        for name, right in (("a", 0.0), ("b", 1.0))
    ]
    (accuracy,) = pool(settings, [ACCURACY], resamples=10_000).differences
    assert accuracy.p == 2**-8


def test_a_difference_that_one_seed_alone_makes_is_not():
    settings = [
        Setting(name, {seed: drawn(np.random.default_rng(int(seed)), seed, 1000, shift=shift[seed])
                       for seed in "012"})
        for name, shift in (("a", dict.fromkeys("012", 0.0)), ("b", {"0": 0.5, "1": 0, "2": 0}))
    ]  # fmt: skip
    (brier,) = pool(settings, [BRIER]).differences
    assert brier.difference > 0.05 and brier.outcome == "unclear"


def test_seeds_that_one_setting_lacks_are_left_out_of_the_difference():
    a = Setting("a", {"0": method([1, 0], [1, 0], "0"), "1": method([1, 0], [1, 0], "1")})
    b = Setting("b", {"1": method([1, 0], [0, 0], "1"), "2": method([1, 0], [0, 0], "2")})
    pooled = pool([a, b, Setting("c", {"9": method([1], [1], "9")})], [BRIER], resamples=50)

    (difference,) = pooled.differences
    assert (difference.method, difference.questions, difference.difference) == ("b", 2, 0.5)
    assert pooled.seeds == ("0", "1", "2", "9")
    assert pooled.difference("c", "brier") is None and pooled.score("c", "brier").mean == 0


def test_unread_replies_do_not_count_as_zero():
    a = Setting("a", {"0": method([1, 0], [1, None], "0"), "1": method([0], [None], "1")})
    brier, accuracy = pool([a], [BRIER, ACCURACY], resamples=50).scores
    assert (brier.values, brier.mean) == ({"0": 0.0, "1": None}, 0.0)
    assert accuracy.values == {"0": 0.5, "1": 0.0}


def test_names_must_be_distinct_and_known():
    a = Setting("a", {"0": method([1], [1])})
    with pytest.raises(UsageError, match="two settings have the same name: a, a"):
        pool([a, a], [BRIER])
    with pytest.raises(UsageError, match="no setting is called 'b': there are a"):
        pool([a], [BRIER], reference="b")
