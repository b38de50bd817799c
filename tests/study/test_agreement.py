from __future__ import annotations

import krippendorff
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from saysel.study.agreement import ordinal_alpha, weighted_kappa
from saysel.study.items import LEVELS

NAN = np.nan


def test_values_by_hand() -> None:
    # 4 times 1 and 1, 4 times 5 and 5, once each way round: 80 % agree, 50 % would by chance, so
    # kappa is .3 / .5. Of 20 ratings half are 1: alpha is 1 − 19 · 2 / (10 · 10).
    first = np.array([1.0] * 5 + [5.0] * 5)
    second = np.array([1.0] * 4 + [5.0] * 5 + [1.0])
    once = np.ones((1, 10))

    assert weighted_kappa(first, second, once) == pytest.approx([0.6])
    assert ordinal_alpha(np.array([first, second]), once) == pytest.approx([0.62])


def test_the_published_example() -> None:
    """Krippendorff 2011, section D: four observers, twelve units, missing ratings."""
    table = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
    assert ordinal_alpha(np.array(table), np.ones((1, 12))) == pytest.approx([0.815], abs=5e-4)


@pytest.mark.parametrize("seed", range(5))
def test_resamples_agree_with_scikit_learn_and_krippendorff(seed: int) -> None:
    rng = np.random.default_rng(seed)
    quality = rng.normal(3, 1, 40)
    table = (quality + rng.normal(0, 0.8, (3, 40))).round().clip(1, 5)
    table[rng.random(table.shape) < 0.15] = NAN
    drawn = rng.integers(40, size=(4, 40))
    weights = np.array([np.bincount(one, minlength=40) for one in drawn], dtype=float)

    for index, chosen in enumerate(drawn):
        first, second = table[0, chosen], table[1, chosen]
        both = ~np.isnan(first) & ~np.isnan(second)
        kappa = cohen_kappa_score(
            first[both].astype(int), second[both].astype(int), labels=LEVELS, weights="quadratic"
        )
        assert weighted_kappa(table[0], table[1], weights)[index] == pytest.approx(kappa)
        alpha = krippendorff.alpha(
            table[:, chosen], value_domain=LEVELS, level_of_measurement="ordinal"
        )
        assert ordinal_alpha(table, weights)[index] == pytest.approx(alpha)


def test_raters_who_cannot_disagree_have_no_agreement() -> None:
    same, nothing, once = np.full(4, 3.0), np.full(4, NAN), np.ones((1, 4))
    for other in (same, nothing):
        assert np.isnan(weighted_kappa(same, other, once)).all()
        assert np.isnan(ordinal_alpha(np.array([same, other]), once)).all()
