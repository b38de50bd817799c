"""What the ratings of a study say about its writers: scores, differences, correlations, power.

All intervals are percentile intervals of a bootstrap over questions: the items of a question are
drawn together. An item's rating is the mean over the raters who rated it. The mean rating of a
writer weights its items by the replies that they stand for (see `saysel.study.design`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, isfinite
from typing import TYPE_CHECKING

from saysel.faithfulness.weighted import Statistic, rank_correlation, ratio
from saysel.scoring.bootstrap import RESAMPLES, percentile_interval, question_resamples
from saysel.scoring.shares import Z
from saysel.study.agreement import ordinal_alpha, weighted_kappa
from saysel.study.items import CONTROLS, SCALES, Origin, Study
from saysel.study.ratings import Rating, raters

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

#: The 80 % quantile of the standard normal distribution: the power of a study that settles it.
Z_POWER = 0.8416212335729143
#: With fewer items an interval would be too narrow.
MIN_ITEMS = 5


@dataclass(frozen=True)
class Finding:
    """One number about the ratings on one scale.

    Attributes:
        table: `agreement`, `score`, `difference`, `correlation`, `rater` or `seconds`.
        name: what it is about, such as a writer.
        scale: `usefulness` or `faithfulness`.
        value: `None` where it is not defined.
        low, high: its 95 % interval; `None` where there is none, or with fewer than `MIN_ITEMS`.
        items: how many it is based on.
        to_settle: of a difference between writers: items of each with which a difference as large
            as this one is found with a probability of 80 %.
        to_detect: the same for the smallest difference that matters.
    """

    table: str
    name: str
    scale: str
    value: float | None
    low: float | None
    high: float | None
    items: int
    to_settle: int | None = None
    to_detect: int | None = None


def findings(
    study: Study,
    ratings: Sequence[Rating],
    *,
    smallest: float = 0.5,
    resamples: int = RESAMPLES,
) -> list[Finding]:
    """What the ratings say about the writers, scale by scale.

    Args:
        smallest: the smallest difference between two writers that matters, in points.
        resamples: of the bootstrap.
    """
    import numpy as np

    number = {text: i for i, text in enumerate(dict.fromkeys(one.question for one in study.items))}
    cluster = np.array([number[item.question] for item in study.items], dtype=np.intp)
    rows = np.arange(len(cluster))
    draws = np.vstack(list(question_resamples(rows, resamples, study.seed, cluster)))
    found: list[Finding] = []
    for scale in SCALES:
        data = _Scale(study, scale, levels(study, ratings, scale), draws, len(number))
        found += [*data.agreement(), *data.scores()]
        found += [*data.differences(smallest), *data.correlations()]
    return found


def levels(study: Study, ratings: Sequence[Rating], scale: str) -> dict[str, Array]:
    """Each rater's ratings of all items, NaN where there is none: [n] by rater."""
    import numpy as np

    column = {item.id: i for i, item in enumerate(study.items)}
    found = {rater: np.full(len(column), np.nan) for rater in raters(ratings)}
    for rating in ratings:
        if scale in rating.levels:
            found[rating.rater][column[rating.item]] = rating.levels[scale]
    return found


class _Scale:
    """The ratings on one scale."""

    def __init__(
        self, study: Study, scale: str, by_rater: dict[str, Array], draws: Array, questions: int
    ) -> None:
        import numpy as np

        self.study, self.scale, self.by_rater, self.draws = study, scale, by_rater, draws
        self.questions = questions
        self.of_model = np.array([one.kind == "model" for one in study.origins])
        table = np.array(list(by_rater.values()))  # [raters, n]
        count = (~np.isnan(table)).sum(0)
        #: The mean rating of each item, 0 where there is none: [n].
        self.mean = np.nansum(table, axis=0) / np.maximum(count, 1)
        self.rated = count > 0
        self.counts = count

    def finding(self, table: str, name: str, statistic: Statistic) -> Finding:
        """A statistic with its interval."""
        import numpy as np

        value = float(statistic.compute(np.ones((1, len(self.mean))))[0])
        if not statistic.used or not isfinite(value):
            return Finding(table, name, self.scale, None, None, None, statistic.used)
        low, high = None, None
        if statistic.used >= MIN_ITEMS:
            draws = statistic.compute(self.draws)
            low, high = percentile_interval(draws, self.questions) or (None, None)
        return Finding(table, name, self.scale, value, low, high, statistic.used)

    def agreement(self) -> Iterator[Finding]:
        """Kappa of each pair of raters, and alpha of all; without controls, which are easy."""
        import numpy as np

        rows = np.flatnonzero(self.of_model)
        own = {name: ratings[rows] for name, ratings in self.by_rater.items()}
        for (one, a), (other, b) in combinations(own.items(), 2):
            both = rows[~np.isnan(a) & ~np.isnan(b)]
            kappa = Statistic(
                lambda w, a=a, b=b: weighted_kappa(a, b, w[:, self.of_model]),  # type: ignore[misc]
                both,
            )
            yield self.finding("agreement", f"weighted kappa, raters {one} and {other}", kappa)
        if len(own) > 1:
            table = np.array(list(own.values()))
            shared = rows[self.counts[rows] > 1]
            alpha = Statistic(lambda w: ordinal_alpha(table, w[:, self.of_model]), shared)
            yield self.finding("agreement", "Krippendorff's alpha", alpha)

    def mean_of(self, group: str) -> Statistic:
        """The mean rating of a writer or a control."""
        import numpy as np

        weight = np.array([one.weight * (one.group == group) for one in self.study.origins])
        return ratio(weight * self.rated * self.mean, weight * self.rated)

    def scores(self) -> Iterator[Finding]:
        """The mean rating of each writer, and of the controls."""
        for group in self.study.groups:
            yield self.finding("score", group, self.mean_of(group))

    def differences(self, smallest: float) -> Iterator[Finding]:
        """Every two writers, and every writer and control."""
        for one, other in combinations(self.study.groups, 2):
            if one in CONTROLS:
                continue
            a, b = self.mean_of(one), self.mean_of(other)
            difference = Statistic(
                lambda w, a=a, b=b: b.compute(w) - a.compute(w),  # type: ignore[misc]
                min(a.rows, b.rows, key=len),
            )
            found = self.finding("difference", f"{other} − {one}", difference)
            if found.value is None:
                continue
            if other in CONTROLS or found.low is None:
                yield found
                continue
            error = _spread(difference.compute(self.draws))
            # As many items of each writer would give the same standard error.
            each = 2 / (1 / a.used + 1 / b.used)
            yield Finding(
                *(found.table, found.name, found.scale, found.value, found.low, found.high),
                items=found.items,
                to_settle=needed(each, error, found.value),
                to_detect=needed(each, error, smallest),
            )

    def correlations(self) -> Iterator[Finding]:
        """Spearman's rank correlation with the automatic measures, over the writers' items."""
        import numpy as np

        for name, values in _measures(self.study.origins).items():
            known = np.array([value is not None for value in values])
            rows = np.flatnonzero(known & self.of_model & self.rated)
            measured = np.array([np.nan if value is None else value for value in values])
            statistic = rank_correlation(self.mean[rows], measured[rows], rows)
            found = self.finding("correlation", name, statistic)
            if found.value is not None:
                yield found


def needed(items: float, error: float, difference: float) -> int | None:
    """Items of each writer with which a difference is found with a probability of 80 %.

    Two-sided at 5 %, with the same raters: the standard error falls with the square root of the
    number of items.

    Args:
        items: of each writer now; of writers with different numbers, their harmonic mean.
        error: the standard error of the difference now.
        difference: the true difference.
    """
    if not difference or not error:
        return None
    return max(2, ceil(items * ((Z + Z_POWER) * error / difference) ** 2))


def _spread(draws: Array) -> float:
    import numpy as np

    return float(np.nanstd(draws))


def _measures(origins: Sequence[Origin]) -> dict[str, list[float | None]]:
    """The values of each automatic measure, item by item."""
    names = dict.fromkeys(name for one in origins for name in one.measures)
    measures = {name: [one.measures.get(name) for one in origins] for name in names}
    return {
        **measures,
        "stated confidence": [one.confidence for one in origins],
        "correct answer": [one.correct for one in origins],
    }
