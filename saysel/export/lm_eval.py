"""Logs as lm-evaluation-harness writes them with `--output_path` and `--log_samples`.

One results file per model, and one file of samples per model and task; what they are called and
what is in them follows its `EvaluationTracker` and `result_schema` (version 0.4.13). `acc` is
saysel's accuracy; a standard error is the width of saysel's 95 % interval over 2 · 1.96. Beyond
that format, a sample has the `confidence` (null where it could not be read) and the `rationale`.
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
    for name, group in groupby(evaluations, key=lambda one: one.name):
        members = list(group)
        # No underscore: what follows the last one in a file's name is its time.
        time = stamp(max(one.started + one.seconds for one in members)).strftime(
            "%Y-%m-%dT%H-%M-%S.000000"
        )
        folder = Path(file_name(name))
        samples = {one.task: _samples(one) for one in members}
        files[folder / f"results_{time}.json"] = dumped(_results(members, samples), 2) + "\n"
        for task, lines in samples.items():
            text = "".join(f"{dumped(line)}\n" for line in lines)
            files[folder / f"samples_{file_name(task)}_{time}.jsonl"] = text
    return files


def _results(members: Sequence[Evaluation], samples: dict[str, list[dict[str, Any]]]) -> Any:
    first = members[0]
    began, ended = (
        min(one.started for one in members),
        max(one.started + one.seconds for one in members),
    )
    return {
        "results": {one.task: _scores(one) for one in members},
        "group_subtasks": {one.task: [] for one in members},
        "configs": {one.task: _config(one) for one in members},
        "versions": {one.task: __version__ for one in members},
        "n-shot": {one.task: 0 for one in members},
        "higher_is_better": {
            one.task: {_metric(metric): _direction(metric) for metric in one.scores}
            for one in members
        },
        "n-samples": {
            one.task: {"original": len(one.predictions), "effective": len(one.predictions)}
            for one in members
        },
        "config": {
            "model": "saysel",
            "model_args": _model_args(first),
            "limit": None,
            "random_seed": first.recipe.seed,
        },
        "date": began,
        "task_hashes": {
            task: _hash("".join(s["doc_hash"] + s["prompt_hash"] + s["target_hash"] for s in lines))
            for task, lines in samples.items()
        },
        "model_source": "saysel",
        "model_name": first.name,
        "model_name_sanitized": file_name(first.name),
        "start_time": began,
        "end_time": ended,
        "total_evaluation_time_seconds": str(round(sum(one.seconds for one in members), 3)),
    }


def _scores(one: Evaluation) -> dict[str, Any]:
    found: dict[str, Any] = {"alias": one.task, "sample_len": len(one.predictions)}
    for metric, score in one.scores.items():
        value, low, high = score["value"], score["low"], score["high"]
        if value is None:
            continue
        error = "N/A" if low is None or high is None else (high - low) / (2 * 1.96)
        found[f"{_metric(metric)},none"] = value
        found[f"{_metric(metric)}_stderr,none"] = error
    return found


def _metric(name: str) -> str:
    # What follows a comma is the filter.
    return "acc" if name == "accuracy" else name.replace(",", ";")


def _direction(name: str) -> bool | None:
    return {"higher": True, "lower": False}.get(metric_info(name).better)


def _config(one: Evaluation) -> dict[str, Any]:
    return {
        "task": one.task,
        "dataset_path": one.recipe.source.use,
        "test_split": one.recipe.evaluate.split,
        "num_fewshot": 0,
        "output_type": "generate_until",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
        "generation_kwargs": _decoding(one),
        "repeats": 1,
        "metadata": {"version": __version__, "estimator": one.estimator},
    }


def _decoding(one: Evaluation) -> dict[str, Any]:
    temperature = one.recipe.evaluate.temperature
    return {"until": [], "do_sample": temperature > 0, "temperature": temperature}


def _model_args(one: Evaluation) -> str:
    parts = {"pretrained": one.model.path, "peft": one.model.adapter}
    return ",".join(f"{key}={value}" for key, value in parts.items() if value)


def _samples(one: Evaluation) -> list[dict[str, Any]]:
    return [
        _sample(one, number, one.questions[prediction.question_id], prediction)
        for number, prediction in enumerate(one.predictions)
    ]


def _sample(
    one: Evaluation, number: int, question: Question, prediction: Prediction
) -> dict[str, Any]:
    doc = {"id": question.id, "question": question.prompt, "answers": list(question.answers)}
    prompt = "\n\n".join(turn["content"] for turn in one.recipe.format.prompt(question))
    target = question.answers[0]
    return {
        "doc_id": number,
        "doc": doc,
        "target": target,
        "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": _decoding(one)}},
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
