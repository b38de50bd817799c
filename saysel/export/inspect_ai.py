"""Logs as Inspect reads them (`inspect view`, `read_eval_log`, `samples_df`): format `json`.

One log per model and task. The score named by the recipe's judge is the correctness, with the
answer, and confidence and rationale as its metadata; a score `confidence` is there where one was
stated. All of saysel's metrics are metrics of the judge's score, with their intervals as metadata.

There is no transcript of events: saysel keeps none.

Source: the models below `EvalLog` in `inspect_ai.log` (log version 2, inspect_ai 0.3.285).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from saysel import __version__
from saysel.export import Evaluation, dumped, file_name, stamp
from saysel.records import Prediction, Question


def logs(evaluations: Sequence[Evaluation]) -> dict[Path, str]:
    """The content of every file, by its path."""
    files: dict[Path, str] = {}
    for one in evaluations:
        began = stamp(one.started).strftime("%Y-%m-%dT%H-%M-%S+00-00")
        # Parts of a file's name are separated by underscores.
        task = file_name(one.task).replace("_", "-")
        name = f"{began}_{task}_{_id('eval', one)}.json"
        files[Path(name)] = dumped(_log(one), 2) + "\n"
    return files


def _log(one: Evaluation) -> dict[str, Any]:
    model, judge = f"saysel/{one.name}", one.recipe.judge.use
    began, ended = stamp(one.started).isoformat(), stamp(one.started + one.seconds).isoformat()
    tokens = sum(prediction.tokens for prediction in one.predictions)
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "eval_id": _id("eval", one),
            "run_id": _id("run", one),
            "created": began,
            "task": one.task,
            "task_id": _id("task", one),
            "task_version": 0,
            "task_attribs": {},
            "task_args": {},
            "dataset": {
                "name": one.recipe.source.use,
                "samples": len(one.predictions),
                "sample_ids": [prediction.question_id for prediction in one.predictions],
                "shuffled": False,
            },
            "model": model,
            "model_args": {
                key: value
                for key, value in (("path", one.model.path), ("adapter", one.model.adapter))
                if value
            },
            "config": {"epochs": 1},
            "packages": {"saysel": __version__},
            "metadata": {"run": one.run, "cell": one.cell, "phase": one.phase},
        },
        "plan": {
            "name": "plan",
            "steps": [{"solver": one.estimator, "params": {}}],
            "config": {"temperature": one.recipe.evaluate.temperature},
        },
        "results": {
            "total_samples": len(one.predictions),
            "completed_samples": len(one.predictions),
            "scores": [
                {
                    "name": judge,
                    "scorer": judge,
                    "scored_samples": sum(p.correct is not None for p in one.predictions),
                    "unscored_samples": sum(p.correct is None for p in one.predictions),
                    "params": {},
                    "metrics": _metrics(one),
                }
            ],
        },
        "stats": {
            "started_at": began,
            "completed_at": ended,
            "model_usage": {model: _usage(tokens)},
        },
        "samples": [
            _sample(one, one.questions[prediction.question_id], prediction, model)
            for prediction in one.predictions
        ],
    }


def _metrics(one: Evaluation) -> dict[str, Any]:
    return {
        name: {
            "name": name,
            "value": score["value"],
            "params": {},
            "metadata": {"low": score["low"], "high": score["high"]},
        }
        for name, score in one.scores.items()
        if score["value"] is not None
    }


def _sample(
    one: Evaluation, question: Question, prediction: Prediction, model: str
) -> dict[str, Any]:
    said = {"role": "assistant", "content": prediction.response}
    *asked, reply = [
        {"id": _id("message", one, question.id, place), **turn}
        for place, turn in enumerate([*one.recipe.format.prompt(question), said])
    ]
    scores: dict[str, Any] = {}
    if prediction.correct is not None:
        scores[one.recipe.judge.use] = {
            "value": prediction.correct,
            "answer": prediction.answer,
            "metadata": {"confidence": prediction.confidence, "rationale": prediction.rationale},
        }
    if prediction.confidence is not None:
        scores["confidence"] = {"value": prediction.confidence, "answer": prediction.answer}
    return {
        "id": question.id,
        "epoch": 1,
        "uuid": _id("sample", one, question.id),
        "input": asked,
        "target": list(question.answers),
        "messages": [*asked, reply],
        "output": {
            "model": model,
            "choices": [{"message": reply, "stop_reason": "stop"}],
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
    """Tokens generated; nobody counted those of the prompts."""
    return {"input_tokens": 0, "output_tokens": tokens, "total_tokens": tokens}


def _id(kind: str, one: Evaluation, *inside: object) -> str:
    """22 characters, the same for the same thing."""
    parts: list[object] = [one.run, one.cell]
    if kind != "run":
        parts.append(one.task)
    if kind not in ("run", "task"):
        parts += [one.phase, one.started, *inside]
    return sha256(repr((kind, *parts)).encode(errors="replace")).hexdigest()[:22]
