"""What independent implementations say: see `make_reference.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from saysel.registry import build

REFERENCE = json.loads(Path(__file__).with_name("reference.json").read_text())


def named(entry: dict[str, Any]) -> str:
    return f"{entry['data']}-{entry['metric']}-{entry['by']}"


def ours(make_columns, entry: dict[str, Any]) -> float:
    data = REFERENCE["data"][entry["data"]]
    metric = build("metric", {"use": entry["metric"], **entry["options"]})
    return metric.compute(make_columns(data["confidence"], data["correct"]))


@pytest.mark.parametrize("entry", REFERENCE["same"], ids=named)
def test_agrees_where_the_definition_is_the_same(make_columns, entry):
    assert ours(make_columns, entry) == pytest.approx(entry["value"], abs=1e-9, rel=0)


@pytest.mark.parametrize("entry", REFERENCE["different"], ids=named)
def test_differs_where_the_definition_does(make_columns, entry):
    away = abs(ours(make_columns, entry) - entry["value"])
    assert away > 1e-6
    if entry["metric"] == "smooth_ece":
        assert away < (0.01 if entry["data"] == "tenths" else 0.0005), entry["why"]


def test_every_package_has_its_say():
    said = {entry["by"].split()[0] for entry in REFERENCE["same"] + REFERENCE["different"]}
    assert said >= {"sklearn", "torchmetrics", "netcal", "relplot", "lm-polygraph", "uqlm"}
    assert len(REFERENCE["same"]) >= 40
