"""Intervals of shares, such as accuracy, that are valid even if no or all answers are correct.

Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference". Grades
and clusters enter through the effective number of answers: Korn & Graubard 1998, "Confidence
intervals for proportions with small expected number of positive counts estimated from survey
data"; Franco et al. 2019, "Comparative study of confidence intervals for proportions in complex
sample surveys".
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.intp]
    Ends = tuple[float, float]

#: The 97.5 % quantile of the standard normal distribution.
Z = 1.959963984540054


def share_interval(values: Array, cluster: Codes | None = None, least: float = 0) -> Ends | None:
    """The 95 % interval of the mean of numbers in [0, 1]; `None` without any.

    Args:
        values: one per question, mostly 0 or 1.
        cluster: the cluster of each, numbered from 0. Correlation within clusters reduces the
            effective number of answers; if all answers are equal, that is the number of clusters.
        least: the numbers are in [least, 1] instead.
    """
    import numpy as np

    if not len(values):
        return None
    units = np.arange(len(values)) if cluster is None else cluster
    return mean_share_interval([values], [units], cluster is not None, least)


def mean_share_interval(
    values: Sequence[Array], units: Sequence[Codes], clustered: bool, least: float = 0
) -> Ends:
    """The 95 % interval of the mean of the shares of several seeds, over all seeds and questions.

    The effective number of answers is the one at which a share has the variance of that mean. As
    in `saysel.scoring.across_seeds`, that is the variance between the seeds, with Student's
    distribution, and the part of the questions' variance that the seeds share. The interval is
    never narrower than for the questions alone. For a single seed it is `share_interval`.

    Args:
        values: of each seed, at least one number each.
        units: the question or cluster of each of these numbers. Equal ones on two seeds are the
            same question or cluster.
        clustered: whether units are clusters.
        least: the numbers are in [least, 1].
    """
    import numpy as np
    from scipy.special import stdtrit

    seeds = len(values)
    scaled = [(one - least) / (1 - least) for one in values]
    shares = np.array([one.mean() for one in scaled])
    share = float(shares.mean())
    number = np.unique(np.concatenate(units), return_inverse=True)[1]
    of_seed = np.split(number, np.cumsum([len(one) for one in units])[:-1])
    count = int(number.max()) + 1
    # What each unit adds to the error of each seed: [seeds, units].
    errors = np.array(
        [
            np.bincount(unit, (one - one.mean()) / len(one), count)
            for unit, one in zip(of_seed, scaled, strict=True)
        ]
    )
    # Questions that several seeds share count once.
    answers = len(number) * count / sum(len(np.unique(unit)) for unit in of_seed)
    z = Z
    if clustered:
        errors = errors * sqrt(count / max(1, count - 1))
        z = float(stdtrit(max(1, count - 1), 0.975))
    variance = float((errors.mean(axis=0) ** 2).sum())
    varies = variance > 1e-12 / answers
    effective = share * (1 - share) / variance if varies else count
    # Clusters that differ less than by chance do not justify a narrower interval.
    of_questions = z * z / (min(effective, answers) if clustered else effective)
    extent = of_questions
    if seeds > 1:
        own = errors.var(axis=0, ddof=1).sum() / seeds
        shared = max(0.0, 1 - own / variance) if varies else 1.0
        t = stdtrit(seeds - 1, 0.975)
        between = shares.var(ddof=1) / seeds
        spread = t * t * between / (share * (1 - share)) if between else 0.0
        extent = max(of_questions, float(shared * of_questions + spread))
    low, high = wilson(share, 1 / extent, z=1)
    return least + (1 - least) * low, least + (1 - least) * high


def wilson(share: float, n: float, z: float = Z) -> tuple[float, float]:
    """Wilson's interval of a share of n answers."""
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(max(0.0, share * (1 - share)) / n + z * z / (4 * n * n))
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))
