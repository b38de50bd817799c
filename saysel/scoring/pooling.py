"""Settings that were run on several seeds: means over the seeds, and how the settings differ.

    pool([Setting("linear", {"0": Method(…), "1": Method(…)}), Setting("quadratic", …)], metrics)

The value of a setting is the mean of its values on the seeds. Settings are compared seed by seed,
on the questions that both answered there. Intervals and tests hold for other seeds and other
questions, see `saysel.scoring.across_seeds`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from saysel.errors import UsageError
from saysel.interfaces import Metric
from saysel.records import Prediction
from saysel.scoring.bootstrap import RESAMPLES
from saysel.scoring.comparison import Method, by_question, judged_questions, shared_questions
from saysel.scoring.comparison_table import Comparison
from saysel.scoring.differences import Difference, Pair, differences, with_holm
from saysel.scoring.pooled_scores import PooledScore, pooled_score
from saysel.scoring.seed_resamples import SeedResamples

#: Bootstrap resamples for each test, at least; see `saysel.scoring.comparison`.
RESAMPLES_PER_TEST = 100


@dataclass(frozen=True)
class Setting:
    """One way to run an experiment, on several seeds.

    Attributes:
        name: as shown.
        seeds: its predictions on each seed. A name of a seed means the same in all settings.
    """

    name: str
    seeds: Mapping[str, Method]


@dataclass(frozen=True)
class Pooled:
    """Settings with their seeds pooled.

    Attributes:
        reference: the setting that the others are compared with.
        seeds: names of all seeds.
        resamples: how many bootstrap resamples were drawn.
        scores: setting by setting, in the metrics' order.
        differences: of the other settings from the reference; values are means over the seeds on
            which both were measured. Settings that share no judged question are left out.
        asked: number of questions of each setting, all seeds together.
        missing: how many of the judged ones are answered without a confidence, likewise.
        declined: how many of the judged ones are declined, likewise.
        clusters: how many clusters the judged questions belong to, all settings and seeds
            together; `None` if they are independent.
    """

    reference: str
    seeds: tuple[str, ...]
    resamples: int
    scores: tuple[PooledScore, ...]
    differences: tuple[Difference, ...]
    asked: Mapping[str, int]
    missing: Mapping[str, int]
    declined: Mapping[str, int] = field(default_factory=dict, kw_only=True)
    clusters: int | None = field(default=None, kw_only=True)

    def comparison(self) -> Comparison:
        """The differences as a table and page, see `saysel.report.comparison`."""
        return Comparison(
            reference=self.reference,
            questions=max((one.questions for one in self.differences), default=0),
            left_out=0,
            asked=self.asked,
            missing=self.missing,
            clusters=self.clusters,
            resamples=self.resamples,
            differences=self.differences,
            seeds=len(self.seeds),
            declined=self.declined,
        )

    def score(self, setting: str, metric: str) -> PooledScore | None:
        """A setting's score; `None` if there is none."""
        found = (one for one in self.scores if (one.setting, one.metric) == (setting, metric))
        return next(found, None)

    def difference(self, setting: str, metric: str) -> Difference | None:
        """A setting's difference from the reference; `None` if there is none."""
        found = (one for one in self.differences if (one.method, one.metric) == (setting, metric))
        return next(found, None)


def pool(
    settings: Sequence[Setting],
    metrics: Sequence[Metric],
    reference: str | None = None,
    resamples: int | None = None,
    seed: int = 0,
) -> Pooled:
    """Pool the seeds of each setting, and compare every setting with the reference.

    Args:
        settings: with distinct names, at least one.
        metrics: what to compute. Differences in those with a direction are one family for Holm's
            correction.
        reference: name of a setting; by default the first.
        resamples: bootstrap resamples; by default 2,000, or 100 for each test if that is more.
        seed: of the resampling.

    Raises:
        UsageError: two settings of one name, or none is called like the reference.
        DataError: see `saysel.scoring.compare`.
    """
    by_name = {setting.name: setting for setting in settings}
    if len(by_name) < len(settings):
        names = ", ".join(setting.name for setting in settings)
        raise UsageError(f"two settings have the same name: {names}")
    first = settings[0].name if reference is None else reference
    if first not in by_name:
        raise UsageError(f"no setting is called '{first}': there are {', '.join(by_name)}")
    tests = (len(settings) - 1) * sum(metric.better != "neither" for metric in metrics)
    count = resamples or max(RESAMPLES, RESAMPLES_PER_TEST * tests)
    resampled = SeedResamples(
        {name: setting.seeds for name, setting in by_name.items()}, metrics, count, seed
    )
    compared = [
        _differences(by_name[first], other, resampled) for other in settings if other.name != first
    ]
    return Pooled(
        reference=first,
        seeds=tuple(dict.fromkeys(seed for setting in settings for seed in setting.seeds)),
        resamples=count,
        scores=tuple(score for setting in settings for score in _scores(setting, resampled)),
        differences=with_holm([one for of_setting in compared for one in of_setting]),
        asked={setting.name: len(_predictions(setting)) for setting in settings},
        missing={
            setting.name: sum(
                one.correct is not None and one.confidence is None and not one.declined
                for one in _predictions(setting)
            )
            for setting in settings
        },
        declined={
            setting.name: sum(
                one.correct is not None and one.declined for one in _predictions(setting)
            )
            for setting in settings
        },
        clusters=resampled.clusters,
    )


def _predictions(setting: Setting) -> list[Prediction]:
    return [one for method in setting.seeds.values() for one in method.predictions]


def _scores(setting: Setting, resampled: SeedResamples) -> list[PooledScore]:
    """The setting's own scores, on all of its judged questions."""
    seeds = {}
    for seed, method in setting.seeds.items():
        judged = [id for id, one in by_question(method).items() if one.correct is not None]
        if judged:
            seeds[seed] = resampled.of(setting.name, seed, judged)
    return [
        pooled_score(setting.name, metric, seeds, resampled.seed) for metric in resampled.metrics
    ]


def _differences(reference: Setting, other: Setting, resampled: SeedResamples) -> list[Difference]:
    """The setting's differences from the reference; none without a question in common."""
    pairs: list[Pair] = []
    for seed in [seed for seed in reference.seeds if seed in other.seeds]:
        methods = [reference.seeds[seed], other.seeds[seed]]
        predictions = [by_question(method) for method in methods]
        try:
            shared = shared_questions(methods, predictions, intersect=True)
            judged = judged_questions(shared, predictions)
        except UsageError:
            continue
        before = resampled.of(reference.name, seed, judged)
        pairs.append((before, resampled.of(other.name, seed, judged)))
    return list(differences(other.name, pairs)) if pairs else []
