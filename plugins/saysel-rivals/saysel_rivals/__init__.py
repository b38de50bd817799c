"""Alternatives to SaySelf, one module per method."""

from __future__ import annotations

import saysel

#: Each has a recipe at the scale of its paper, and one at the scale of the quickstart.
METHODS = (
    *("calibration-tuning", "cats", "confqa", "conftuner", "csft", "csr", "dcpo", "gce"),
    *("honesty", "lacie", "orce", "ppo-c", "r-tuning", "rewarding-doubt", "rlcr", "truthrl"),
)


@saysel.hookimpl
def saysel_targets() -> dict[str, str]:
    return {
        "confqa": "saysel_rivals.confqa:ConfQaTarget",
        "expected_accuracy": "saysel_rivals.expected_accuracy:ExpectedAccuracyTarget",
        "group_accuracy": "saysel_rivals.group_accuracy:GroupAccuracyTarget",
        "r_tuning": "saysel_rivals.r_tuning:RTuningTarget",
    }


@saysel.hookimpl
def saysel_rewards() -> dict[str, str]:
    return {
        "asymmetric": "saysel_rivals.asymmetric:AsymmetricReward",
        "csr": "saysel_rivals.csr:CsrReward",
        "dcpo": "saysel_rivals.dcpo:DcpoReward",
        "log": "saysel_rivals.rewarding_doubt:LogReward",
        "orce": "saysel_rivals.orce:OrceReward",
        "ppo_c": "saysel_rivals.ppo_c:PpoCReward",
        "rlcr": "saysel_rivals.rlcr:RlcrReward",
        "truthrl": "saysel_rivals.truthrl:TruthRlReward",
    }


@saysel.hookimpl
def saysel_trainers() -> dict[str, str]:
    return {
        "agreement": "saysel_rivals.cats:AgreementTrainer",
        "calibration_tuning": "saysel_rivals.calibration_tuning:CalibrationTuningTrainer",
        "dpo": "saysel_rivals.lacie.trainer:DPOTrainer",
        "tokenized_brier": "saysel_rivals.conftuner.trainer:TokenizedBrierTrainer",
    }


@saysel.hookimpl
def saysel_recipes() -> dict[str, str]:
    names = [f"{method}{size}" for method in METHODS for size in ("", "-quickstart")]
    return {name: f"saysel_rivals:recipes/{name}.yaml" for name in names}
