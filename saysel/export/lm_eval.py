"""Logs as lm-evaluation-harness writes them with `--output_path` and `--log_samples`.

One results file per model, and one file of samples per model and task. Their names and content
follow `EvaluationTracker` and `result_schema` (version 0.4.13). `acc` is saysel's accuracy; a
standard error is the width of saysel's 95 % interval divided by 2 · 1.96. In addition to that
format, a sample has the `confidence` (null if missing) and the `rationale`.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

from saysel import __version__
from saysel.export import Evaluation, dumped, file_name, stamp
from saysel.records import Prediction, Question
from saysel.scoring import metric_info


def logs(evaluations: Sequence[Evaluation]) -> dict[Path, str]:
    """The content of every file, by its path."""
    files: dict[Path, str] = {}
    for name, group in groupby(evaluations, key=lambda evaluation: evaluation.name):
        members = list(group)
        # No underscore: the time is whatever follows the last one in a file's name.
        time = stamp(
            max(evaluation.started + evaluation.seconds for evaluation in members)
        ).strftime("%Y-%m-%dT%H-%M-%S.000000")
        folder = Path(file_name(name))
        samples = {evaluation.task: _samples(evaluation) for evaluation in members}
        files[folder / f"results_{time}.json"] = dumped(_results(members, samples), 2) + "\n"
        for task, lines in samples.items():
            text = "".join(f"{dumped(line)}\n" for line in lines)
            files[folder / f"samples_{file_name(task)}_{time}.jsonl"] = text
    return files


def _results(members: Sequence[Evaluation], samples: dict[str, list[dict[str, Any]]]) -> Any:
    first = members[0]
    start, end = (
        min(evaluation.started for evaluation in members),
        max(evaluation.started + evaluation.seconds for evaluation in members),
    )
    return {
        "results": {evaluation.task: _scores(evaluation) for evaluation in members},
        "group_subtasks": {evaluation.task: [] for evaluation in members},
        "configs": {evaluation.task: _config(evaluation) for evaluation in members},
        "versions": {evaluation.task: __version__ for evaluation in members},
        "n-shot": {evaluation.task: evaluation.shots for evaluation in members},
        "higher_is_better": {
            evaluation.task: {_metric(metric): _direction(metric) for metric in evaluation.scores}
            for evaluation in members
        },
        "n-samples": {
            evaluation.task: {
                "original": len(evaluation.predictions),
                "effective": len(evaluation.predictions),
            }
            for evaluation in members
        },
        "config": {
            "model": "saysel",
            "model_args": _model_args(first),
            "limit": None,
            "random_seed": first.recipe.seed,
        },
        "date": start,
        "task_hashes": {
            task: _hash("".join(s["doc_hash"] + s["prompt_hash"] + s["target_hash"] for s in lines))
            for task, lines in samples.items()
        },
        "model_source": "saysel",
        "model_name": first.name,
        "model_name_sanitized": file_name(first.name),
        "start_time": start,
        "end_time": end,
        "total_evaluation_time_seconds": str(
            round(sum(evaluation.seconds for evaluation in members), 3)
        ),
    }


def _scores(evaluation: Evaluation) -> dict[str, Any]:
    scores: dict[str, Any] = {"alias": evaluation.task, "sample_len": len(evaluation.predictions)}
    for metric, score in evaluation.scores.items():
        value, low, high = score["value"], score["low"], score["high"]
        if value is None:
            continue
        error = "N/A" if low is None or high is None else (high - low) / (2 * 1.96)
        scores[f"{_metric(metric)},none"] = value
        scores[f"{_metric(metric)}_stderr,none"] = error
    return scores


def _metric(name: str) -> str:
    # A comma would separate the name of a filter.
    return "acc" if name == "accuracy" else name.replace(",", ";")


def _direction(name: str) -> bool | None:
    return {"higher": True, "lower": False}.get(metric_info(name).better)


def _config(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "task": evaluation.task,
        "dataset_path": evaluation.recipe.source.use,
        "test_split": evaluation.recipe.evaluate.split,
        "num_fewshot": evaluation.shots,
        "output_type": "generate_until",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
        "generation_kwargs": _decoding(evaluation),
        "repeats": 1,
        "metadata": {"version": __version__, "estimator": evaluation.estimator},
    }


def _decoding(evaluation: Evaluation) -> dict[str, Any]:
    temperature = evaluation.recipe.evaluate.temperature
    return {"until": [], "do_sample": temperature > 0, "temperature": temperature}


def _model_args(evaluation: Evaluation) -> str:
    model = evaluation.model
    parts = {"pretrained": model.path, "gguf_file": model.gguf, "peft": model.adapter}
    return ",".join(f"{key}={value}" for key, value in parts.items() if value)


def _samples(evaluation: Evaluation) -> list[dict[str, Any]]:
    return [
        _sample(evaluation, number, evaluation.questions[prediction.question_id], prediction)
        for number, prediction in enumerate(evaluation.predictions)
    ]


def _sample(
    evaluation: Evaluation, number: int, question: Question, prediction: Prediction
) -> dict[str, Any]:
    doc = {"id": question.id, "question": question.prompt, "answers": list(question.answers)}
    prompt = "\n\n".join(turn["content"] for turn in evaluation.prompt(question))
    target = question.answers[0]
    return {
        "doc_id": number,
        "doc": doc,
        "target": target,
        "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": _decoding(evaluation)}},
        "resps": [[prediction.response]],
        "filtered_resps": [prediction.answer or ""],
        "filter": "none",
        "metrics": ["acc"],
        "doc_hash": _hash(dumped(doc, 2)),
        "prompt_hash": _hash(prompt),
        "target_hash": _hash(target),
        "acc": prediction.correct,
        "confidence": prediction.confidence,
        "rationale": prediction.rationale,
    }


def _hash(text: str) -> str:
    return sha256(text.encode(errors="replace")).hexdigest()
