"""Writes `reference.json`: what other people's code says about the same predictions.

    python -m venv /tmp/others
    /tmp/others/bin/pip install scikit-learn torchmetrics netcal relplot lm-polygraph uqlm
    /tmp/others/bin/python tests/metrics/make_reference.py

saysel is not imported. The values are frozen, with the versions that gave them, so that the tests
need none of these packages. `same` has what saysel must agree with to 1e-9; `different` what is
defined differently under the same name, with the reason.
"""

# ruff: noqa: E402

from __future__ import annotations

import importlib.util
import json
import sys
import types
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np

warnings.simplefilter("ignore")
# Both packages import every model they can run; only their metrics are wanted here.
for package in ("lm_polygraph", "uqlm"):
    spec = importlib.util.find_spec(package)
    empty = types.ModuleType(package)
    empty.__path__ = list(spec.submodule_search_locations)
    sys.modules[package] = empty

import torch
from lm_polygraph.ue_metrics import ECE as PolygraphECE
from lm_polygraph.ue_metrics import PRAUC, ROCAUC, PredictionRejectionArea, RiskCoverageCurveAUC
from netcal.metrics import ECE as NetcalECE
from netcal.metrics import MCE as NetcalMCE
from relplot.metrics import smECE
from sklearn import metrics as sk
from torchmetrics.functional import classification as tm
from uqlm.calibration.evaluate import _evaluate_single_calibrator as uqlm

PACKAGES = ("scikit-learn", "torchmetrics", "netcal", "relplot", "lm-polygraph", "uqlm", "numpy")
EDGE = "its edges are binary fractions: some tenths fall into the bin below"
OWN = "a confidence of exactly 1 has a bin of its own"
CLIP = f"{EDGE}, after clipping to the inside of [0, 1]"
TIES = "answers of equal confidence keep their order"


def made() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Predictions: all different and away from bin edges; in percent; in tenths, ends included.

    Tenths are overconfident and underconfident in turn, so that it matters which share a bin.
    """
    rng = np.random.default_rng(20260101)
    continuous = np.round(0.02 + 0.96 * rng.beta(2.5, 1.2, 200), 6)
    assert len(np.unique(continuous)) == 200
    found = {
        "continuous": continuous,
        "tenths": np.append(rng.integers(0, 11, 148), [0, 10]) / 10,
        "percent": rng.integers(1, 100, 160) / 100,
    }
    rate = {name: 0.1 + 0.7 * c for name, c in found.items()}
    rate["tenths"] += 0.3 * (-1) ** np.rint(10 * found["tenths"])
    return {n: (c, (rng.random(len(c)) < rate[n]).astype(int)) for n, c in found.items()}


same: list[dict[str, object]] = []
different: list[dict[str, object]] = []


def note(data: str, metric: str, value: float, by: str, why: str = "", **options: object) -> None:
    entry = {"data": data, "metric": metric, "options": options, "value": float(value), "by": by}
    if why:
        different.append({**entry, "why": why})
    else:
        same.append(entry)


def compare(data: str, c: np.ndarray, y: np.ndarray) -> None:
    tied, ends, tenths = data != "continuous", c.max() == 1, data == "tenths"
    clipped = np.clip(c, 0.001, 0.999)
    auc = sk.roc_auc_score(y, c)
    note(data, "brier", sk.brier_score_loss(y, c), "sklearn brier_score_loss")
    note(data, "nll", sk.log_loss(y, clipped), "sklearn log_loss of clipped confidences")
    if ends:
        note(data, "nll", sk.log_loss(y, c), "sklearn log_loss", "clips at 2.2e-16")
    note(data, "auroc", auc, "sklearn roc_auc_score")
    note(data, "auprc", sk.average_precision_score(y, c), "sklearn average_precision_score")
    augrc = (1 - auc) * y.mean() * (1 - y.mean()) + (1 - y.mean()) ** 2 / 2
    note(data, "augrc", augrc, "arXiv 2407.01032, from sklearn roc_auc_score")
    note(data, "sayself_mae", sk.mean_absolute_error(y, c), "sklearn mean_absolute_error")

    C, Y = torch.tensor(c, dtype=torch.float64), torch.tensor(y)
    # Not its AUROC and average precision: it computes them in single precision.
    for bins in (10, 15):
        edges = bins == 10 and tied  # no tenth or percent is near an edge of 15 bins, but on it
        for metric, norm, one in (("ece", "l1", NetcalECE), ("mce", "max", NetcalMCE)):
            if metric == "mce" and edges and tenths:
                continue  # the worst bin is the same whatever its neighbours hold
            value = tm.binary_calibration_error(C, Y, n_bins=bins, norm=norm)
            by = f"torchmetrics binary_calibration_error(n_bins={bins}, norm={norm})"
            note(data, metric, value, by, f"{OWN}; {EDGE}" * (edges and tenths), bins=bins)
            value = one(bins).measure(c, y)
            note(data, metric, value, f"netcal {one.__name__}({bins})", CLIP * edges, bins=bins)
    if not tied:  # netcal's edges would coincide, which it refuses
        value = NetcalECE(10, equal_intervals=False).measure(c, y)
        note(data, "ece", value, "netcal ECE(10, equal_intervals=False)", binning="mass")

    said = uqlm(c, y, plot=False)
    note(data, "brier", said["brier_score"], "uqlm evaluate_calibration")
    note(data, "ece", said["ece"], "uqlm evaluate_calibration", edge="right")
    note(data, "mce", said["mce"], "uqlm evaluate_calibration", edge="right")

    value = PolygraphECE(n_bins=20)(-c, y)
    note(data, "ece", value, "lm-polygraph ECE(n_bins=20)", bins=20, edge="right")
    note(data, "auroc", ROCAUC()(c, y), "lm-polygraph ROCAUC of confidence as estimator")
    note(data, "auprc", PRAUC()(c, y), "lm-polygraph PRAUC of confidence as estimator")
    aurc, best = RiskCoverageCurveAUC()(-c, y), RiskCoverageCurveAUC()(-y, y)
    note(data, "aurc", aurc, "lm-polygraph RiskCoverageCurveAUC", TIES * tied)
    note(data, "eaurc", aurc - best, "lm-polygraph RiskCoverageCurveAUC, twice", TIES * tied)
    area, most = PredictionRejectionArea()(-c, y), PredictionRejectionArea()(-y, y)
    ratio = (area - y.mean()) / (most - y.mean())
    note(data, "prr", ratio, "lm-polygraph PredictionRejectionArea, normalised", TIES * tied)
    note(data, "prr", area, "lm-polygraph PredictionRejectionArea", "the raw area, 1 - AURC")

    why = "ten halvings for the bandwidth; confidences of exactly 0 and 1 count half"
    note(data, "smooth_ece", smECE(c, y), "relplot smECE", why)


def written(content: dict[str, object]) -> str:
    """JSON with one line for each entry."""
    parts = []
    for key, value in content.items():
        if isinstance(value, list):
            lines = ",\n".join(json.dumps(entry) for entry in value)
            parts.append(f'"{key}": [\n{lines}\n]')
        else:
            lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
            parts.append(f'"{key}": {{\n{lines}\n}}')
    return "{\n" + ",\n".join(parts) + "\n}"


def main() -> None:
    data = made()
    for name, (c, y) in data.items():
        compare(name, c, y)
    content = {
        "versions": {package: version(package) for package in PACKAGES},
        "data": {
            name: {"confidence": c.tolist(), "correct": y.tolist()} for name, (c, y) in data.items()
        },
        "same": same,
        "different": different,
    }
    place = Path(__file__).with_name("reference.json")
    place.write_text(written(content) + "\n")


if __name__ == "__main__":
    main()
