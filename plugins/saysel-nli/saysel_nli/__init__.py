"""A clusterer for saysel: groups answers that entail each other."""

from __future__ import annotations

import saysel


@saysel.hookimpl
def saysel_clusterers() -> dict[str, str]:
    return {"nli": "saysel_nli.clusterer:NliClusterer"}
