"""Bootstrap resamples of settings that were run on several seeds.

What is resampled is a unit: a cluster, or a question where there are no clusters. Questions of two
seeds are the same unit if they have the same text; where texts are unknown, if they have the same
id. If any two seeds share a unit, all seeds share their resamples. Otherwise each seed has its own
questions, and its own resamples. On one seed, a question is the same unit in all settings, even if
only some of them know its text or its cluster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from saysel.interfaces import Metric
from saysel.scoring.arrays import to_arrays
from saysel.scoring.comparison import Method, by_question
from saysel.scoring.resampled_method import ResampledMethod
from saysel.seeds import seed_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class SeedResamples:
    """The metrics of all settings on resamples of their questions, each computed once.

    Args:
        settings: for each setting by name, its predictions on each seed.
        metrics: what is computed.
        count: number of resamples.
        seed: of the resampling.
    """

    def __init__(
        self,
        settings: Mapping[str, Mapping[str, Method]],
        metrics: Sequence[Metric],
        count: int,
        seed: int,
    ) -> None:
        self.settings, self.metrics = _completed(settings), metrics
        self.count, self.seed = count, seed
        self._known: dict[tuple[str, str, tuple[str, ...]], ResampledMethod] = {}
        by_seed: dict[str, dict[str, None]] = {}
        for methods in self.settings.values():
            for name, method in methods.items():
                ids = [prediction.question_id for prediction in method.predictions]
                by_seed.setdefault(name, {}).update(dict.fromkeys(_units(method, ids)))
        together = dict.fromkeys(unit for units in by_seed.values() for unit in units)
        self.shared = len(together) < sum(len(units) for units in by_seed.values())
        self._numbers = {
            name: _numbered(together if self.shared else units) for name, units in by_seed.items()
        }

    @property
    def clusters(self) -> int | None:
        """How many clusters all judged questions belong to; `None` if they are independent."""
        names = {
            method.clusters[one.question_id]
            for seeds in self.settings.values()
            for method in seeds.values()
            for one in method.predictions
            if one.correct is not None and one.question_id in method.clusters
        }
        return len(names) or None

    def of(self, setting: str, seed: str, ids: Sequence[str]) -> ResampledMethod:
        """A setting on some of the questions of a seed, in this order."""
        key = (setting, seed, tuple(ids))
        if key not in self._known:
            self._known[key] = self._resampled(self.settings[setting][seed], seed, ids)
        return self._known[key]

    def _resampled(self, method: Method, seed: str, ids: Sequence[str]) -> ResampledMethod:
        predictions = by_question(method)
        together = self.shared or len(self._numbers) == 1
        return ResampledMethod(
            self.metrics,
            to_arrays([predictions[id] for id in ids], method.clusters),
            self.count,
            self.seed if together else seed_of(self.seed, seed),
            self._units_of(method, seed, ids),
        )

    def _units_of(
        self, method: Method, seed: str, ids: Sequence[str]
    ) -> tuple[npt.NDArray[np.intp], int] | None:
        """The number of each question's unit: [n]; and how many units there are.

        `None` if each question is a unit that no other seed has.
        """
        import numpy as np

        if not self.shared and not method.clusters:
            return None
        numbers = self._numbers[seed]
        units = [numbers[unit] for unit in _units(method, ids)]
        return np.array(units, dtype=np.intp), len(numbers)


def _completed(
    settings: Mapping[str, Mapping[str, Method]],
) -> dict[str, dict[str, Method]]:
    """The settings with the texts and clusters that another setting knows on the same seed.

    The first setting that has a cluster for a question decides for all.
    """
    texts: dict[tuple[str, str], str] = {}
    clusters: dict[tuple[str, str, str | None], str] = {}
    completed: dict[str, dict[str, Method]] = {name: {} for name in settings}
    each = [(name, seed, one) for name, seeds in settings.items() for seed, one in seeds.items()]
    for _, seed, method in each:
        for id, text in method.prompts.items():
            texts.setdefault((seed, id), text)

    def question(seed: str, method: Method, id: str) -> tuple[str, str, str | None]:
        return seed, id, method.prompts.get(id, texts.get((seed, id)))

    for _, seed, method in each:
        for id, cluster in method.clusters.items():
            clusters.setdefault(question(seed, method, id), cluster)
    for name, seed, method in each:
        keys = [question(seed, method, one.question_id) for one in method.predictions]
        completed[name][seed] = replace(
            method,
            prompts={id: text for _, id, text in keys if text is not None},
            clusters={key[1]: clusters[key] for key in keys if key in clusters},
        )
    return completed


def _units(method: Method, ids: Sequence[str]) -> list[str]:
    return [method.clusters.get(id, method.prompts.get(id, id)) for id in ids]


def _numbered(units: Mapping[str, None]) -> dict[str, int]:
    return {unit: number for number, unit in enumerate(units)}
