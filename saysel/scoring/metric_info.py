"""What a reader needs to know about a metric: its name, direction and meaning."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from saysel.errors import SayselError

if TYPE_CHECKING:
    from saysel.interfaces import Metric

NAMES = {
    **{"ece": "ECE", "smooth_ece": "Smooth ECE", "mce": "MCE", "nll": "NLL"},
    **{"auroc": "AUROC", "auprc": "AUPRC", "aurc": "AURC", "eaurc": "E-AURC", "augrc": "AUGRC"},
    **{"prr": "PRR", "sayself_mae": "SaySelf's |c − y|"},
}
ARROWS = {"higher": "↑", "lower": "↓", "neither": ""}


@dataclass(frozen=True)
class MetricInfo:
    """How a score is shown.

    Attributes:
        key: the score's name.
        name: as shown.
        better: `higher`, `lower` or `neither`.
        meaning: the first line of the metric's docstring.
        counts: whether its values are shown without decimals.
    """

    key: str
    name: str
    better: str
    meaning: str
    counts: bool = False

    @property
    def arrow(self) -> str:
        """The direction as a character, empty if neither direction is better."""
        return ARROWS[self.better]

    @property
    def direction(self) -> str:
        """The direction in words."""
        return "descriptive only" if self.better == "neither" else f"{self.better} is better"


def metric_info(key: str) -> MetricInfo:
    """About a score, by its name; a metric that is not installed has neither direction nor meaning.

    Args:
        key: a metric's name, with options if any: `ece(bins=15)`.
    """
    from saysel.registry import find

    base, bracket, options = key.partition("(")
    shown = NAMES.get(base, base.replace("_", " ").capitalize())
    name = f"{shown} ({options}" if bracket else shown
    try:
        metric = cast("type[Metric]", find("metric", base))
    except SayselError:
        return MetricInfo(key, name, "neither", "")
    meaning = (inspect.getdoc(metric) or "").partition("\n")[0]
    return MetricInfo(key, name, metric.better, meaning, metric.counts)
