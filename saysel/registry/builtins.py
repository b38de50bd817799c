"""The components and recipes that come with saysel, announced as a third party announces theirs."""

from __future__ import annotations

from saysel.hookspecs import hookimpl


@hookimpl
def saysel_models() -> dict[str, str]:
    return {
        "pretrained": "saysel.models.pretrained:PretrainedModel",
        "remote": "saysel.models.remote:RemoteModel",
        "scratch": "saysel.models.scratch:ScratchModel",
    }


@hookimpl
def saysel_sources() -> dict[str, str]:
    return {
        "abstention_bench": "saysel.sources.abstention_bench:AbstentionBenchSource",
        "csv": "saysel.sources.csv:CsvSource",
        "fever": "saysel.sources.fever:FeverSource",
        "gsm8k": "saysel.sources.gsm8k:GSM8KSource",
        "halueval": "saysel.sources.halueval:HaluEvalSource",
        "hotpotqa": "saysel.sources.hotpotqa:HotpotQASource",
        "hub": "saysel.sources.hub:HubSource",
        "jsonl": "saysel.sources.jsonl:JsonlSource",
        "multiple_choice": "saysel.sources.multiple_choice:MultipleChoiceSource",
        "pararel": "saysel.sources.pararel:ParaRelSource",
        "simpleqa": "saysel.sources.simpleqa:SimpleQASource",
        "strategyqa": "saysel.sources.strategyqa:StrategyQASource",
        "triviaqa": "saysel.sources.triviaqa:TriviaQASource",
        "truthfulqa": "saysel.sources.truthfulqa:TruthfulQASource",
        "witness": "saysel.sources.witness:WitnessSource",
    }


@hookimpl
def saysel_samplers() -> dict[str, str]:
    return {
        "anthropic": "saysel.samplers.anthropic:AnthropicSampler",
        "openai": "saysel.samplers.openai:OpenAISampler",
        "transformers": "saysel.samplers.transformers:TransformersSampler",
        "vllm": "saysel.samplers.vllm:VLLMSampler",
    }


@hookimpl
def saysel_clusterers() -> dict[str, str]:
    return {
        "agglomerative": "saysel.clusterers.agglomerative:AgglomerativeClusterer",
        "embedding": "saysel.clusterers.embedding:EmbeddingClusterer",
        "exact": "saysel.clusterers.exact:ExactClusterer",
    }


@hookimpl
def saysel_rationales() -> dict[str, str]:
    return {
        "control": "saysel.rationales.control:ControlRationaleWriter",
        "llm": "saysel.rationales.llm:LlmRationaleWriter",
        "none": "saysel.rationales.none:NoRationaleWriter",
        "template": "saysel.rationales.template:TemplateRationaleWriter",
    }


@hookimpl
def saysel_targets() -> dict[str, str]:
    return {
        "correct_cluster": "saysel.targets.correct_cluster:CorrectClusterTarget",
        "largest_cluster": "saysel.targets.largest_cluster:LargestClusterTarget",
        "sampled_cluster": "saysel.targets.sampled_cluster:SampledClusterTarget",
    }


@hookimpl
def saysel_formats() -> dict[str, str]:
    return {
        "fraction": "saysel.formats.fraction:FractionFormat",
        "percent": "saysel.formats.percent:PercentFormat",
        "sayself": "saysel.formats.sayself:SaySelfFormat",
        "tags": "saysel.formats.tags:TagsFormat",
    }


@hookimpl
def saysel_judges() -> dict[str, str]:
    return {
        "llm": "saysel.judges.llm:LlmJudge",
        "match": "saysel.judges.match:MatchJudge",
        "math": "saysel.judges.math:MathJudge",
        "token_f1": "saysel.judges.token_f1:TokenF1Judge",
    }


@hookimpl
def saysel_rewards() -> dict[str, str]:
    return {
        "faithful": "saysel.rewards.faithful:FaithfulReward",
        "linear": "saysel.rewards.linear:LinearReward",
        "quadratic": "saysel.rewards.quadratic:QuadraticReward",
        "split": "saysel.rewards.split:SplitReward",
    }


@hookimpl
def saysel_trainers() -> dict[str, str]:
    return {
        "grpo": "saysel.trainers.grpo:GRPOTrainer",
        "ppo": "saysel.trainers.ppo.trainer:PPOTrainer",
        "sft": "saysel.trainers.sft:SFTTrainer",
    }


@hookimpl
def saysel_estimators() -> dict[str, str]:
    return {
        "answer_or_abstain": "saysel.estimators.answer_or_abstain:AnswerOrAbstainEstimator",
        "dinco": "saysel.estimators.dinco:DincoEstimator",
        "expected": "saysel.estimators.expected:ExpectedEstimator",
        "p_true": "saysel.estimators.p_true:PTrueEstimator",
        "probe": "saysel.estimators.probe:ProbeEstimator",
        "recalibrated": "saysel.estimators.recalibrated:RecalibratedEstimator",
        "self_consistency": "saysel.estimators.self_consistency:SelfConsistencyEstimator",
        "semantic_entropy": "saysel.estimators.semantic_entropy:SemanticEntropyEstimator",
        "sequence_probability": "saysel.estimators.sequence_probability"
        ":SequenceProbabilityEstimator",
        "steerconf": "saysel.estimators.steerconf:SteerConfEstimator",
        "verbalized": "saysel.estimators.verbalized:VerbalizedEstimator",
        "verbalized_consistency": "saysel.estimators.verbalized_consistency"
        ":VerbalizedConsistencyEstimator",
    }


@hookimpl
def saysel_metrics() -> dict[str, str]:
    return {
        "accuracy": "saysel.metrics.accuracy:Accuracy",
        "accuracy_when_answered": "saysel.metrics.coverage:AccuracyWhenAnswered",
        "accuracy_at_coverage": "saysel.metrics.selective:AccuracyAtCoverage",
        "augrc": "saysel.metrics.risk_coverage:Augrc",
        "auprc": "saysel.metrics.auroc:Auprc",
        "aurc": "saysel.metrics.risk_coverage:Aurc",
        "auroc": "saysel.metrics.auroc:Auroc",
        "brier": "saysel.metrics.brier:Brier",
        "brier_reliability": "saysel.metrics.brier:BrierReliability",
        "brier_resolution": "saysel.metrics.brier:BrierResolution",
        "brier_uncertainty": "saysel.metrics.brier:BrierUncertainty",
        "coverage": "saysel.metrics.coverage:Coverage",
        "coverage_at_risk": "saysel.metrics.selective:CoverageAtRisk",
        "distinct_confidences": "saysel.metrics.distinct_confidences:DistinctConfidences",
        "eaurc": "saysel.metrics.risk_coverage:EAurc",
        "ece": "saysel.metrics.ece:Ece",
        "mce": "saysel.metrics.ece:Mce",
        "mean_overconfidence": "saysel.metrics.mean_overconfidence:MeanOverconfidence",
        "nll": "saysel.metrics.nll:Nll",
        "parse_rate": "saysel.metrics.parse_rate:ParseRate",
        "prr": "saysel.metrics.risk_coverage:Prr",
        "rms_calibration_error": "saysel.metrics.ece:RmsCalibrationError",
        "sayself_mae": "saysel.metrics.sayself_mae:SaySelfMae",
        "smooth_ece": "saysel.metrics.smooth_ece:SmoothEce",
        "threshold_utility": "saysel.metrics.selective:ThresholdUtility",
        "truthfulness": "saysel.metrics.coverage:Truthfulness",
        "tokens": "saysel.metrics.tokens:Tokens",
    }


@hookimpl
def saysel_engines() -> dict[str, str]:
    return {"local": "saysel.engines.local:LocalEngine"}


@hookimpl
def saysel_recipes() -> dict[str, str]:
    return {
        "architectures": "saysel:recipes/architectures.yaml",
        "clusterers": "saysel:recipes/clusterers.yaml",
        "one-reply": "saysel:recipes/one-reply.yaml",
        "pararel": "saysel:recipes/pararel.yaml",
        "quickstart": "saysel:recipes/quickstart.yaml",
        "rationale-writers": "saysel:recipes/rationale-writers.yaml",
        "sample-counts": "saysel:recipes/sample-counts.yaml",
        "sample-temperatures": "saysel:recipes/sample-temperatures.yaml",
        "sayself-llama-3.1-8b": "saysel:recipes/sayself-llama-3.1-8b.yaml",
        "sayself-mistral-7b": "saysel:recipes/sayself-mistral-7b.yaml",
        "sayself-qwen2.5-7b": "saysel:recipes/sayself-qwen2.5-7b.yaml",
        "sayself-qwen3-0.6b": "saysel:recipes/sayself-qwen3-0.6b.yaml",
        "smollm2": "saysel:recipes/smollm2.yaml",
    }


@hookimpl
def saysel_renamed() -> dict[str, dict[str, str]]:
    return {
        "estimator": {"scaled": "recalibrated"},
        "metric": {"signed_gap": "mean_overconfidence"},
    }
