from __future__ import annotations

from dataclasses import replace
from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from saysel.faithfulness.alternatives import (
    NamedAlternatives,
    entropy,
    explainable,
    named_alternatives,
)
from saysel.faithfulness.measures import MEASURES, Measured, measure
from saysel.faithfulness.mentions import words
from saysel.records import Grade, Meaning, Question, Reflection

Named = NamedAlternatives
PLACES = ("attic", "barn", "cellar", "garden")


def reflection(
    rationale: str | None, own: str | None = "the attic", id: str = "q", **shares: float
) -> Reflection:
    """A reply that answers `own`, with ten fresh samples of these shares."""
    found = {f"the {place}": share for place, share in shares.items()}
    if own is not None:
        found.setdefault(own, 0.0)
    meanings = tuple(Meaning((text,), share, text == own) for text, share in found.items())
    return Reflection(id, f"Answer: {own} {rationale}", own, rationale, 1.0, 9, 10, meanings)


def question(id: str = "q", *answers: str, **options: Any) -> Question:
    return Question(id, "Where is it?", answers or ("the attic",), **options)


def values(*reflections: Reflection, **options: Any) -> dict[str, float | None]:
    asked = options.pop("questions", None) or [
        question(id) for id in {one.question_id for one in reflections}
    ]
    return {
        one.score.metric: one.score.value
        for one in measure(reflections, asked, resamples=20, **options)
    }


# ------------------------------------------------------------------------------ what is named


def test_what_a_rationale_names_is_weighed_by_the_fresh_samples() -> None:
    one = reflection("Often the attic, sometimes the barn.", attic=0.5, barn=0.3, cellar=0.2)

    assert named_alternatives(one, question()) == Named(0.5, 0.3, 1, 1)
    # The garden is known from other questions, and no sample gives it here.
    told = replace(one, rationale="The barn, the garden, the barn again.")
    assert named_alternatives(told, question()) == Named(0.5, 0.3, 1, 1)
    assert named_alternatives(told, question(), {words("the garden")}) == Named(0.5, 0.3, 2, 1)
    assert named_alternatives(told, question(wrong_answers=("garden",))) == Named(0.5, 0.3, 2, 1)
    assert named_alternatives(replace(one, rationale=None), question()) == Named(0.5, 0, 0, 0)


def test_the_own_answer_is_no_alternative() -> None:
    # Not even where no fresh sample gives it.
    one = reflection("The attic, or the barn.", barn=1.0)

    assert named_alternatives(one, question()) == Named(1.0, 1.0, 1, 1)


def test_all_wordings_of_a_meaning_are_one_answer() -> None:
    meanings = (Meaning(("Paris",), 0.5, True), Meaning(("USA", "the States"), 0.5, False))
    one = replace(reflection("The States, the USA, America."), meanings=meanings)

    assert named_alternatives(one, question()) == Named(0.5, 0.5, 1, 1)
    # All accepted answers are the same one.
    assert named_alternatives(one, question("q", "America", "USA")) == Named(0.5, 0.5, 1, 1)
    assert named_alternatives(one, question("q", "America", "Canada")) == Named(0.5, 0.5, 2, 1)


def test_what_there_is_to_explain() -> None:
    assert explainable(reflection("Hm.", attic=0.9, barn=0.1))
    assert not explainable(reflection("Hm.", attic=1.0))
    assert not explainable(reflection(None, attic=0.9, barn=0.1))
    assert not explainable(reflection("Hm.", own=None, attic=0.9, barn=0.1))


def test_samples_without_an_answer_are_a_doubt_each() -> None:
    assert entropy(reflection("", attic=1.0)) == 0
    assert entropy(reflection("", attic=0.5, barn=0.5)) == pytest.approx(log(2))
    assert entropy(reflection("", attic=0.8)) == pytest.approx(-0.8 * log(0.8) + 0.2 * log(10))
    assert entropy(reflection("", own=None)) == pytest.approx(log(10))


# -------------------------------------------------------------------------------- the measures


def test_recall_and_precision_are_ratios_of_sums() -> None:
    found = values(
        reflection("Sometimes the barn.", id="a", attic=0.5, barn=0.3, cellar=0.2),
        reflection("Sometimes the barn.", id="b", attic=0.9, garden=0.1),
        reflection("I am sure.", id="c", attic=1.0),
        reflection(None, id="d", attic=0.6, barn=0.4),
        questions=[question(id, wrong_answers=("barn",)) for id in "abcd"],
    )

    assert found["mention_recall"] == pytest.approx(0.3 / (0.5 + 0.1 + 0.4))
    assert found["mention_precision"] == pytest.approx(1 / 2)


def test_candidates_of_the_question_alone_do_not_see_answers_of_other_questions() -> None:
    asked = [question("a", "the attic"), question("b", "the garden")]
    told = [
        reflection("The barn, the garden.", id="a", attic=0.5, barn=0.5),
        reflection("The barn.", id="b", attic=0.5, barn=0.5),
    ]

    assert values(*told, questions=asked)["mention_precision"] == pytest.approx(2 / 3)
    alone = values(*told, questions=asked, candidates="question")
    assert alone["mention_precision"] == 1


@pytest.mark.parametrize("candidates", ["split", "question"])
def test_a_made_up_alternative_lowers_precision(candidates: str) -> None:
    told = reflection("The barn, or maybe Port Louis.", attic=0.5, barn=0.5)

    assert named_alternatives(told, question()) == Named(0.5, 0.5, 2, 1)
    assert values(told, candidates=candidates)["mention_precision"] == pytest.approx(1 / 2)


def test_what_is_denied_is_no_alternative() -> None:
    told = reflection("Surely not the barn, sometimes the cellar.", attic=0.5, barn=0.3, cellar=0.2)

    assert named_alternatives(told, question()) == Named(0.5, 0.2, 1, 1)


def test_numbers_in_words_are_numbers() -> None:
    meanings = (Meaning(("12",), 0.5, True), Meaning(("13",), 0.5, False))
    told = replace(reflection("Twelve, sometimes thirteen."), answer="12", meanings=meanings)

    assert named_alternatives(told, question("q", "12")) == Named(0.5, 0.5, 1, 1)


doubts = st.tuples(st.integers(0, 3), st.integers(0, 4))


@given(st.lists(doubts, min_size=2, max_size=30))
def test_agreement_is_spearmans_correlation(drawn: list[tuple[int, int]]) -> None:
    told = []
    for number, (said, spread) in enumerate(drawn):
        shares = dict.fromkeys(PLACES[1 : 1 + said], 0.0) | {"attic": 1 - spread / 10}
        shares["elsewhere"] = spread / 10
        rationale = " ".join(PLACES[1 : 1 + said])
        told.append(reflection(rationale, id=str(number), **shares))
    found = values(*told)["uncertainty_agreement"]

    said, spread = zip(*drawn, strict=True)
    if len(set(said)) == 1 or len(set(spread)) == 1:
        assert found is None
    else:
        doubt = [entropy(one) for one in told]
        assert found == pytest.approx(spearmanr(said, np.round(doubt, 9)).statistic)


def test_use_is_how_far_the_confidence_moves_and_what_that_costs() -> None:
    base = reflection("Hm.", attic=1.0)
    found = values(
        replace(base, question_id="a", kept=0.9, dropped=0.5, swapped=0.7, correct=1.0),
        replace(base, question_id="b", kept=0.2, dropped=0.5, swapped=0.2, correct=0.0),
        replace(base, question_id="c", kept=0.3, dropped=0.4, swapped=None, correct=None),
        replace(base, question_id="d"),
    )

    assert found["rationale_ablation"] == pytest.approx((0.4 + 0.3 + 0.1) / 3)
    assert found["rationale_swap"] == pytest.approx((0.2 + 0.0) / 2)
    assert found["rationale_ablation_brier"] == pytest.approx((0.25 - 0.01 + 0.25 - 0.04) / 2)
    assert found["rationale_swap_brier"] == pytest.approx((0.09 - 0.01) / 2)


def test_the_named_gold_rate_counts_wrong_answers_with_an_accepted_one() -> None:
    wrong = replace(reflection("Or the barn."), correct=0.0, question_id="a")
    asked = [question(id, "the barn") for id in "abcde"]
    found = values(
        wrong,
        replace(wrong, question_id="b", correct=1.0),
        replace(wrong, question_id="c", response="Answer: the attic"),
        replace(wrong, question_id="d", correct=None),
        # A judge of whole replies finds what they deny, too.
        replace(wrong, question_id="e", response="Answer: the attic, not the barn"),
        questions=asked,
    )

    assert found["named_gold_rate"] == pytest.approx(2 / 4)


def test_grades_that_could_not_be_read_are_left_out() -> None:
    told = [reflection("Hm.", id=id, attic=0.5, barn=0.5) for id in "abc"]
    found = measure(told, [question(id) for id in "abc"], [Grade("a", 7.0), Grade("b", None)])

    assert found[-1].used == 1
    assert (found[-1].score.metric, found[-1].score.value) == ("grade", 7.0)
    assert "grade" not in values(*told)


# ------------------------------------------------------------------------ where it is undefined


def by_name(found: list[Measured]) -> dict[str, Measured]:
    return {one.score.metric: one for one in found}


def test_only_the_named_gold_rate_is_defined_for_a_model_without_rationales() -> None:
    told = [reflection(None, id=id, attic=0.5, barn=0.5) for id in "ab"]
    found = by_name(measure(told, [question(id) for id in "ab"], grades=[]))

    assert {name for name, one in found.items() if one.score.value is not None} == {
        "named_gold_rate"
    }
    assert {one.used for name, one in found.items() if name != "named_gold_rate"} == {0}
    assert list(found) == list(MEASURES)


def test_saying_nothing_in_particular_is_neither_precise_nor_in_agreement() -> None:
    told = [
        reflection("I am not entirely sure.", id="a", attic=0.5, barn=0.5),
        reflection("I am not entirely sure.", id="b", attic=1.0),
    ]
    found = by_name(measure(told, [question(id) for id in "ab"]))

    assert (found["mention_recall"].score.value, found["mention_recall"].used) == (0, 1)
    assert (found["mention_precision"].score.value, found["mention_precision"].used) == (None, 0)
    assert found["uncertainty_agreement"].score.value is None
    assert found["uncertainty_agreement"].used == 2


def test_a_reply_without_an_answer_has_no_alternatives() -> None:
    lost = reflection("The barn.", own=None, id="b", attic=0.5, barn=0.5)
    whole = reflection("The barn.", id="a", attic=0.5, barn=0.5)

    assert values(whole, lost)["mention_recall"] == values(whole)["mention_recall"] == 1
    assert measure([lost], [question("b")])[0].used == 0


def test_no_questions_at_all() -> None:
    assert {one.score.value for one in measure([], [])} == {None}


# ------------------------------------------------------------------------------- the intervals


def many(n: int = 60) -> list[Reflection]:
    rng = np.random.default_rng(3)
    told = []
    for number in range(n):
        counts = rng.multinomial(10, rng.dirichlet([2, 1, 1, 1]))
        shares = dict(zip(PLACES, counts / 10, strict=True))
        said = " or ".join(rng.choice(PLACES, rng.integers(0, 3), replace=False))
        one = reflection(said, id=str(number), **{k: v for k, v in shares.items() if v})
        kept, dropped, swapped = rng.random(3)
        told.append(
            replace(one, kept=kept, dropped=dropped, swapped=swapped, correct=float(number % 3 > 0))
        )
    return told


def test_every_interval_is_the_bootstrap_over_questions() -> None:
    told = many()
    asked = [question(one.question_id, wrong_answers=PLACES) for one in told]
    found = by_name(measure(told, asked, resamples=300, seed=5))

    # The same resamples, one by one and from the start.
    rng = np.random.default_rng(5)
    drawn: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(300):
        rows = rng.integers(len(told), size=len(told))
        for one in measure([told[row] for row in rows], asked, resamples=0):
            drawn[one.score.metric].append(one.score.value)
    for name, one in found.items():
        assert one.score.low < one.score.value < one.score.high
        if name != "named_gold_rate":  # a share, with Wilson's interval
            low, high = np.quantile(drawn[name], [0.025, 0.975])
            assert (one.score.low, one.score.high) == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize("clustered", [False, True], ids=["question", "cluster"])
def test_a_measure_of_a_single_question_or_cluster_has_no_interval(clustered: bool) -> None:
    told = many(12)
    used = told[:3] if clustered else told[:1]
    bare = [replace(one, rationale=None, dropped=None, swapped=None) for one in told[len(used) :]]
    grades = [Grade(one.question_id, 7.0) for one in used]
    clusters = {one.question_id: "own" if one in used else "other" for one in told}
    asked = [question(one.question_id, wrong_answers=PLACES) for one in told]

    for one in measure([*used, *bare], asked, grades, clusters=clusters if clustered else None):
        if one.score.metric in ("grade", "rationale_swap", "rationale_swap_brier"):
            assert one.used == len(used) and one.score.value is not None
            assert (one.score.low, one.score.high) == (None, None)


def test_the_order_of_the_questions_does_not_matter() -> None:
    told = many()
    asked = [question(one.question_id) for one in told]

    assert values(*told, questions=asked) == pytest.approx(values(*told[::-1], questions=asked))


@given(st.lists(st.sampled_from([*many(12), reflection(None, id="0"), reflection("", None, "1")])))
def test_measures_stay_in_their_ranges(told: list[Reflection]) -> None:
    found = values(*told, questions=[question(str(number)) for number in range(12)])

    ranges = {"uncertainty_agreement": (-1, 1), "grade": (0, 10)}
    for name, value in found.items():
        low, high = ranges.get(name, (-1, 1) if name.endswith("_brier") else (0, 1))
        assert value is None or low - 1e-9 <= value <= high + 1e-9
