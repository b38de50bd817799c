"""The key `evaluate` of a recipe."""

from __future__ import annotations

from pydantic import Field

from saysel.interfaces import Estimator, Metric, Options, Sampler
from saysel.recipes.faithfulness import Faithfulness

METRICS = (
    *("accuracy", "brier", "brier_reliability", "brier_resolution", "brier_uncertainty", "nll"),
    *("ece", {"use": "ece", "bins": 15}, {"use": "ece", "binning": "mass"}, "smooth_ece", "mce"),
    *("mean_overconfidence", "sayself_mae", "auroc", "auprc", "aurc", "eaurc", "augrc", "prr"),
    *("parse_rate", "distinct_confidences", "tokens"),
)


class Evaluate(Options):
    """How models are evaluated."""

    split: str = Field("heldout", min_length=1, description="split whose questions are asked")
    temperature: float = Field(
        0.7, ge=0, description="temperature at which a single answer is decoded"
    )
    sampler: Sampler | None = Field(
        None, description="samples from the evaluated models; null: the recipe's `sample`"
    )
    estimators: tuple[Estimator, ...] = Field(
        ("verbalized",),
        min_length=1,
        validate_default=True,
        description="ways to obtain answer and confidence",
    )
    metrics: tuple[Metric, ...] = Field(
        METRICS, min_length=1, validate_default=True, description="what to measure"
    )
    cluster: str | None = Field(
        None,
        min_length=1,
        description="entry of the questions' `meta` that groups related questions, such as a "
        "relation or a shared passage: intervals and tests treat a group as one; null: all "
        "questions are independent",
    )
    faithfulness: Faithfulness | None = Field(
        None,
        description="measures whether rationales state what the model is unsure about; {} uses the "
        "defaults",
    )
