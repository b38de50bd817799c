"""Runs the shards of saysel's stages on a Ray cluster."""

from __future__ import annotations

import saysel


@saysel.hookimpl
def saysel_engines() -> dict[str, str]:
    return {"ray": "saysel_ray.engine:RayEngine"}
