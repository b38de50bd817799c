"""The report's figures, as SVG: a file for each kind, and their names."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.report.content import Row
from saysel.report.figures.names import (
    colours,
    group_slug,
    groups,
    metric_slug,
    slugs,
    value_slug,
)
from saysel.report.figures.reliability import histogram, reliability_diagram
from saysel.report.figures.risk_coverage import risk_coverage_curves
from saysel.report.figures.summary import summary
from saysel.report.figures.svg import Figure
from saysel.report.figures.training import training_figures, training_slug

__all__ = [
    "Figure",
    "colours",
    "figures",
    "group_slug",
    "groups",
    "metric_slug",
    "slugs",
    "training_figures",
    "training_slug",
    "value_slug",
]


def figures(rows: Sequence[Row]) -> dict[str, Figure]:
    """Every figure of the report, by file name without suffix."""
    colour = colours(rows)
    drawn: dict[str, Figure] = {}
    for row, slug in zip(rows, slugs(rows), strict=True):
        drawn[f"reliability-{slug}"] = reliability_diagram(row, colour[row.model])
        drawn[f"histogram-{slug}"] = histogram(row)
    for (cell, split), indices in groups(rows).items():
        members = [rows[i] for i in indices]
        slug = group_slug(cell, split)
        drawn[f"risk-coverage-{slug}"] = risk_coverage_curves(members, colour)
        for metric in dict.fromkeys(s.metric for row in members for s in row.scores):
            drawn[f"summary-{slug}-{metric_slug(metric)}"] = summary(metric, members, colour)
    return drawn
