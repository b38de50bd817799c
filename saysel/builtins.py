"""The components that come with saysel, announced the way a third party announces theirs."""

from __future__ import annotations

from saysel.hookspecs import hookimpl


@hookimpl
def saysel_models() -> dict[str, str]:
    return {
        "pretrained": "saysel.models.pretrained:PretrainedModel",
        "scratch": "saysel.models.scratch:ScratchModel",
    }


@hookimpl
def saysel_sources() -> dict[str, str]:
    return {
        "csv": "saysel.sources.csv:CsvSource",
        "jsonl": "saysel.sources.jsonl:JsonlSource",
        "pararel": "saysel.sources.pararel:ParaRelSource",
        "witness": "saysel.sources.witness:WitnessSource",
    }


@hookimpl
def saysel_samplers() -> dict[str, str]:
    return {"transformers": "saysel.samplers.transformers:TransformersSampler"}


@hookimpl
def saysel_clusterers() -> dict[str, str]:
    return {"exact": "saysel.clusterers.exact:ExactClusterer"}


@hookimpl
def saysel_rationales() -> dict[str, str]:
    return {"template": "saysel.rationales.template:TemplateRationaleWriter"}


@hookimpl
def saysel_targets() -> dict[str, str]:
    return {
        "correct_cluster": "saysel.targets.correct_cluster:CorrectClusterTarget",
        "largest_cluster": "saysel.targets.largest_cluster:LargestClusterTarget",
    }


@hookimpl
def saysel_formats() -> dict[str, str]:
    return {"sayself": "saysel.formats.sayself:SaySelfFormat"}


@hookimpl
def saysel_judges() -> dict[str, str]:
    return {"match": "saysel.judges.match:MatchJudge"}


@hookimpl
def saysel_rewards() -> dict[str, str]:
    return {
        "linear": "saysel.rewards.linear:LinearReward",
        "quadratic": "saysel.rewards.quadratic:QuadraticReward",
    }


@hookimpl
def saysel_trainers() -> dict[str, str]:
    return {
        "ppo": "saysel.trainers.ppo:PPOTrainer",
        "sft": "saysel.trainers.sft:SFTTrainer",
    }


@hookimpl
def saysel_estimators() -> dict[str, str]:
    return {
        "self_consistency": "saysel.estimators.self_consistency:SelfConsistencyEstimator",
        "verbalized": "saysel.estimators.verbalized:VerbalizedEstimator",
    }


@hookimpl
def saysel_metrics() -> dict[str, str]:
    return {
        "accuracy": "saysel.metrics.accuracy:Accuracy",
        "auroc": "saysel.metrics.auroc:Auroc",
        "brier": "saysel.metrics.brier:Brier",
        "distinct_confidences": "saysel.metrics.distinct_confidences:DistinctConfidences",
        "ece": "saysel.metrics.ece:Ece",
        "parse_rate": "saysel.metrics.parse_rate:ParseRate",
        "sayself_mae": "saysel.metrics.sayself_mae:SaySelfMae",
    }


@hookimpl
def saysel_engines() -> dict[str, str]:
    return {"local": "saysel.engines.local:LocalEngine"}
