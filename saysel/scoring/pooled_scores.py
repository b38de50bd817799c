"""One metric of a setting, pooled over its seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from saysel.interfaces import Metric
from saysel.scoring.across_seeds import across_seeds
from saysel.scoring.bootstrap import fewest, percentile_interval
from saysel.scoring.differences import noise
from saysel.scoring.resampled_method import ResampledMethod
from saysel.scoring.resampling import Share, counted_rows
from saysel.scoring.scores import label
from saysel.scoring.shares import mean_share_interval

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PooledScore:
    """One metric of a setting.

    Attributes:
        setting: the setting's name.
        metric: the score's name.
        better: `higher`, `lower` or `neither`.
        values: on each seed; `None` where not defined.
        mean: over the seeds where it is defined; `None` if it is on none.
        low, high: ends of the 95 % interval of the mean over all possible seeds and questions.
            With a single seed it holds for other questions only. `None` for counts.
    """

    setting: str
    metric: str
    better: str
    values: Mapping[str, float | None]
    mean: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def range(self) -> tuple[float, float] | None:
        """The lowest and the highest value of the seeds; `None` if it is defined on none."""
        defined = [value for value in self.values.values() if value is not None]
        return (min(defined), max(defined)) if defined else None


def pooled_score(
    setting: str, metric: Metric, seeds: Mapping[str, ResampledMethod], seed: int
) -> PooledScore:
    """A metric of a setting, pooled.

    Args:
        seeds: its predictions on each seed.
        seed: of the random numbers.
    """
    import numpy as np

    values = {name: float(metric.compute(one.columns)) for name, one in seeds.items()}
    defined = {name: value for name, value in values.items() if np.isfinite(value)}
    score = PooledScore(
        setting, label(metric), metric.better, {name: defined.get(name) for name in values}
    )
    if not defined:
        return score
    mean = sum(defined.values()) / len(defined)
    interval = None if metric.counts else _interval(metric, defined, seeds, seed)
    low, high = interval or (None, None)
    return PooledScore(setting, score.metric, score.better, score.values, mean, low, high)


def _interval(
    metric: Metric, values: Mapping[str, float], seeds: Mapping[str, ResampledMethod], seed: int
) -> tuple[float, float] | None:
    import numpy as np

    if isinstance(metric, Share):
        return _share_interval(metric, [seeds[name] for name in values])
    observed = np.array(list(values.values()))
    draws = np.array([seeds[name].draws(metric, _all(seeds[name])) for name in values])
    noise_in_mean = 0.0
    if metric.zero_if is not None:
        # Each resample adds new noise; and the true value may be lower than the observed one.
        draws = draws - np.nanmean(draws, axis=1, keepdims=True) + observed[:, None]
        noise_in_mean = float(
            np.mean(
                [min(noise(metric, seeds[name].columns, seed), values[name]) for name in values]
            )
        )
    pooled = across_seeds(observed, draws, seed)
    clusters = fewest(
        seeds[name].clusters(counted_rows(metric, seeds[name].columns)) for name in values
    )
    lower, upper = (
        percentile_interval(ends, clusters) for ends in (pooled - noise_in_mean, pooled)
    )
    if lower is None or upper is None:
        return None
    least, most = metric.bounds
    least = max(least, 0.0) if metric.zero_if is not None else least
    return max(float(least), lower[0]), min(float(most), upper[1])


def _share_interval(metric: Share, seeds: Sequence[ResampledMethod]) -> tuple[float, float]:
    import numpy as np

    counted = [metric.counted(one.columns) for one in seeds]
    number: dict[tuple[int, int], int] = {}
    units = [
        np.array([number.setdefault(unit, len(number)) for unit in one.units(rows)])
        for one, rows in zip(seeds, counted, strict=True)
    ]
    values = [metric.each(one.columns.take(rows)) for one, rows in zip(seeds, counted, strict=True)]
    clustered = any(one.columns.cluster is not None for one in seeds)
    return mean_share_interval(values, units, clustered, metric.bounds[0])


def _all(method: ResampledMethod) -> npt.NDArray[np.intp]:
    import numpy as np

    return np.arange(len(method.columns))
