"""Logs as Inspect reads them (`inspect view`, `read_eval_log`, `samples_df`): format `json`.

One log per model and task. The score with the name of the recipe's judge is the correctness, with
the answer, and with confidence and rationale as metadata. A second score is the `confidence`, if
one was stated. All metrics belong to the judge's score, with their intervals as metadata.

There is no transcript of events, because saysel does not keep one.

Source: the models below `EvalLog` in `inspect_ai.log` (log version 2, inspect_ai 0.3.285).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from saysel import __version__
from saysel.export import Evaluation, dumped, file_name, stamp
from saysel.records import CUT, Prediction, Question


def logs(evaluations: Sequence[Evaluation]) -> dict[Path, str]:
    """The content of every file, by its path."""
    files: dict[Path, str] = {}
    for evaluation in evaluations:
        start = stamp(evaluation.started).strftime("%Y-%m-%dT%H-%M-%S+00-00")
        # Underscores separate the parts of a file's name.
        task = file_name(evaluation.task).replace("_", "-")
        name = f"{start}_{task}_{_id('eval', evaluation)}.json"
        files[Path(name)] = dumped(_log(evaluation), 2) + "\n"
    return files


def _log(evaluation: Evaluation) -> dict[str, Any]:
    started, seconds = evaluation.started, evaluation.seconds
    tokens = sum(prediction.tokens for prediction in evaluation.predictions)
    temperature = evaluation.recipe.evaluate.temperature
    return {
        "version": 2,
        "status": "success",
        "eval": _spec(evaluation),
        "plan": {
            "name": "plan",
            "steps": [{"solver": evaluation.estimator, "params": {}}],
            "config": {"temperature": temperature},
        },
        "results": _results(evaluation),
        "stats": {
            "started_at": stamp(started).isoformat(),
            "completed_at": stamp(started + seconds).isoformat(),
            "model_usage": {_model(evaluation): _usage(tokens)},
        },
        "samples": [
            _sample(evaluation, evaluation.questions[prediction.question_id], prediction)
            for prediction in evaluation.predictions
        ],
    }


def _spec(evaluation: Evaluation) -> dict[str, Any]:
    """What was evaluated: task, questions and model."""
    predictions, model = evaluation.predictions, evaluation.model
    return {
        "eval_id": _id("eval", evaluation),
        "run_id": _id("run", evaluation),
        "created": stamp(evaluation.started).isoformat(),
        "task": evaluation.task,
        "task_id": _id("task", evaluation),
        "task_version": 0,
        "task_attribs": {},
        "task_args": {},
        "dataset": {
            "name": evaluation.recipe.source.use,
            "samples": len(predictions),
            "sample_ids": [prediction.question_id for prediction in predictions],
            "shuffled": False,
        },
        "model": _model(evaluation),
        "model_args": {
            key: value
            for key, value in vars(model).items()
            if key in ("path", "gguf", "adapter") and value
        },
        "config": {"epochs": 1},
        "packages": {"saysel": __version__},
        "metadata": {
            "run": evaluation.run,
            "cell": evaluation.cell,
            "phase": evaluation.phase,
        },
    }


def _results(evaluation: Evaluation) -> dict[str, Any]:
    predictions, judge = evaluation.predictions, evaluation.recipe.judge.use
    return {
        "total_samples": len(predictions),
        "completed_samples": len(predictions),
        "scores": [
            {
                "name": judge,
                "scorer": judge,
                "scored_samples": sum(p.correct is not None for p in predictions),
                "unscored_samples": sum(p.correct is None for p in predictions),
                "params": {},
                "metrics": _metrics(evaluation),
            }
        ],
    }


def _model(evaluation: Evaluation) -> str:
    return f"saysel/{evaluation.name}"


def _metrics(evaluation: Evaluation) -> dict[str, Any]:
    return {
        name: {
            "name": name,
            "value": score["value"],
            "params": {},
            "metadata": {"low": score["low"], "high": score["high"]},
        }
        for name, score in evaluation.scores.items()
        if score["value"] is not None
    }


def _sample(evaluation: Evaluation, question: Question, prediction: Prediction) -> dict[str, Any]:
    model, cut = _model(evaluation), prediction.finish_reason == CUT
    response = {"role": "assistant", "content": prediction.response}
    *prompt, reply = [
        {"id": _id("message", evaluation, question.id, position), **turn}
        for position, turn in enumerate([*evaluation.prompt(question), response])
    ]
    scores: dict[str, Any] = {}
    if prediction.correct is not None:
        scores[evaluation.recipe.judge.use] = {
            "value": prediction.correct,
            "answer": prediction.answer,
            "metadata": {"confidence": prediction.confidence, "rationale": prediction.rationale},
        }
    if prediction.confidence is not None:
        scores["confidence"] = {"value": prediction.confidence, "answer": prediction.answer}
    return {
        "id": question.id,
        "epoch": 1,
        "uuid": _id("sample", evaluation, question.id),
        "input": prompt,
        "target": list(question.answers),
        "messages": [*prompt, reply],
        "output": {
            "model": model,
            "choices": [{"message": reply, "stop_reason": "max_tokens" if cut else "stop"}],
            "usage": _usage(prediction.tokens),
        },
        "scores": scores,
        "metadata": dict(question.meta),
        "store": {},
        "events": [],
        "model_usage": {model: _usage(prediction.tokens)},
        "attachments": {},
    }


def _usage(tokens: int) -> dict[str, int]:
    """Generated tokens; those of the prompts are unknown."""
    return {"input_tokens": 0, "output_tokens": tokens, "total_tokens": tokens}


def _id(kind: str, evaluation: Evaluation, *inside: object) -> str:
    """22 characters, the same whenever the same run is exported."""
    parts: list[object] = [evaluation.run, evaluation.cell]
    if kind != "run":
        parts.append(evaluation.task)
    if kind not in ("run", "task"):
        parts += [evaluation.phase, evaluation.started, *inside]
    return sha256(repr((kind, *parts)).encode(errors="replace")).hexdigest()[:22]
