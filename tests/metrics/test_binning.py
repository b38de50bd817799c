from __future__ import annotations

import numpy as np
import pytest

from saysel.metrics.binning import Sums, bin_of, equal_mass


@pytest.mark.parametrize("bins", [10, 15, 20])
@pytest.mark.parametrize("parts", [10, 15, 20])
def test_bin_edges_open_their_bin_however_they_were_computed(bins, parts):
    for k in range(parts + 1):
        expected = min(k * bins // parts, bins - 1)
        ways = [k / parts, k * (1 / parts), sum([1 / parts] * k), 1 - (parts - k) / parts]
        ways += [np.nextafter(k / parts, 0), np.nextafter(k / parts, 1)]
        assert bin_of(np.clip(ways, 0, 1), bins).tolist() == [expected] * len(ways)


def test_the_edges_that_binary_fractions_miss():
    assert 0.29 * 100 < 29 and 0.1 + 0.2 > 0.3  # why rounding down alone is wrong
    assert bin_of(np.array([0.29, 0.57, 0.58]), 100).tolist() == [29, 57, 58]
    assert bin_of(np.array([0.1 + 0.2, 0.3, 0.29999999999999998, 0.2999]), 10).tolist() == [
        3,
        3,
        3,
        2,
    ]


def test_the_last_bin_is_closed_and_the_others_open():
    assert bin_of(np.array([0.0, 0.1, 0.9, 1.0]), 10).tolist() == [0, 1, 9, 9]


def test_the_side_of_an_edge_matters():
    stated = np.array([0.0, 0.1, 0.2, 0.95, 1.0])
    assert bin_of(stated, 10, "left").tolist() == [0, 1, 2, 9, 9]
    assert bin_of(stated, 10, "right").tolist() == [0, 0, 1, 9, 9]


def test_equal_mass_cuts_every_resample_at_its_own_places():
    # Three levels; the second resample lacks the lowest.
    n = np.array([[2.0, 1.0, 1.0], [0.0, 1.0, 3.0]])
    made = equal_mass(Sums(n, n * [0.1, 0.5, 0.9], n * [1.0, 0.0, 1.0]), 2)
    assert made.n.tolist() == [[2, 2], [2, 2]]
    assert made.confidence == pytest.approx(np.array([[0.2, 1.4], [1.4, 1.8]]))
    assert made.correct == pytest.approx(np.array([[2, 1], [1, 2]]))


def test_equal_mass_of_nothing_is_nothing():
    empty = np.zeros((2, 0))
    assert equal_mass(Sums(empty, empty, empty), 3).n.tolist() == [[0] * 3] * 2
    nobody = np.zeros((1, 4))
    assert equal_mass(Sums(nobody, nobody, nobody), 3).correct.tolist() == [[0] * 3]
