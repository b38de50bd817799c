"""Rows of the `samples_*.jsonl` files of lm-evaluation-harness.

A task of generation keeps `resps` (whole replies), `filtered_resps` (the answers in them), `target`
and one column per metric. A multiple-choice task has the log-likelihood of every choice instead.
From these follow `choice`, the text of the choice with the largest log-likelihood, which the metric
`acc` grades, `choice_probability`, its share in the softmax over the choices, and `gold_choice`.

Columns of the questions are named `doc.KEY`, and the prompt is `prompt`.

Source: `evaluate` in `lm_eval/evaluator.py`, `process_results` in `lm_eval/api/task.py` and
`save_results_samples` in `lm_eval/loggers/evaluation_tracker.py` (version 0.4.13).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from saysel.files.column_names import NAMES, normalised

Row = dict[str, Any]

#: Metrics of single samples in files that do not name theirs, because an old version wrote them.
OLD_METRICS = ("acc", "exact_match", "em")

KEYS = frozenset({"doc_id", "doc", "target", "arguments", "resps", "filtered_resps"})
#: What a table does not need: the question and the prompts again, and hashes.
LEFT_OUT = frozenset({"doc", "arguments", "doc_hash", "prompt_hash", "target_hash", "metrics"})
#: A metric that also needs the choices' unconditional log-likelihoods, after the conditional ones.
MUTUAL_INFORMATION = "acc_mutual_info"


def is_sample(value: object) -> bool:
    """Whether a value is a line of such a file."""
    return isinstance(value, dict) and set(value) >= KEYS and isinstance(value["doc_id"], int)


def sample_row(sample: Mapping[str, Any]) -> Row:
    """The row of a sample."""
    row = {key: value for key, value in sample.items() if key not in LEFT_OUT}
    doc = sample["doc"] if isinstance(sample["doc"], dict) else {"text": sample["doc"]}
    row |= {f"doc.{key}": value for key, value in doc.items()}
    requests = _requests(sample["arguments"])
    row["prompt"] = requests[0][0] if requests else None
    scores = _log_likelihoods(sample)
    if scores is not None and len(requests) >= len(scores):
        row |= _choices(scores, [request[1] for request in requests], str(sample["target"]))
    return row


def sample_roles(
    samples: Sequence[Mapping[str, Any]], rows: list[Row]
) -> dict[str, tuple[str, ...]]:
    """The columns that could play a role."""
    docs = dict.fromkeys(name for row in rows for name in row if name.startswith("doc."))
    question = tuple(n for n in docs if normalised(n.removeprefix("doc.")) in NAMES["question"])
    roles = {"question": question[:1] or ("prompt",)}
    if all("choice" in row for row in rows):
        confidence = "choice_probability"
        return {
            **roles,
            "answer": ("choice",),
            "gold": ("gold_choice",),
            "confidence": (confidence,),
            "correct": ("acc",) if all("acc" in row for row in rows) else (),
        }
    metrics = dict.fromkeys(
        name
        for sample in samples
        for name in sample.get("metrics") or OLD_METRICS
        if name in sample
    )
    usual = NAMES["confidence"] + NAMES["rationale"]
    graded = [name for name in metrics if normalised(name) not in usual]
    roles["correct"] = tuple(graded)
    return {**roles, "answer": ("filtered_resps",), "gold": ("target",), "output": ("resps",)}


def _requests(arguments: Any) -> list[list[Any]]:
    """The arguments of every request: objects of objects, or lists of lists in older files."""
    requests = arguments.values() if isinstance(arguments, dict) else arguments
    return [list(r.values()) if isinstance(r, dict) else list(r) for r in requests]


def _log_likelihoods(sample: Mapping[str, Any]) -> list[float] | None:
    """The log-likelihood of each choice; `None` unless the sample is of a multiple-choice task."""
    responses = sample["filtered_resps"]
    if not isinstance(responses, list) or len(responses) < 2:
        return None
    try:
        values = [float(value) for value, greedy in responses if str(greedy) in ("True", "False")]
    except (TypeError, ValueError):
        return None
    if len(values) < len(responses):
        return None
    if MUTUAL_INFORMATION in sample:
        values = values[: len(values) // 2]
    return values


def _choices(scores: Sequence[float], texts: Sequence[Any], target: str) -> Row:
    """What a sample of multiple choice says.

    Args:
        scores: the log-likelihood of each choice.
        texts: the choices, as they continue the prompt. In tasks that vary the prompt instead,
            they are equal, and the choices are named by their numbers, from 0.
        target: the number of the right choice, or its text.
    """
    names = [str(text).strip() for text in texts[: len(scores)]]
    if len(set(names)) < len(names):
        names = [str(number) for number in range(len(scores))]
    best = max(range(len(scores)), key=scores.__getitem__)
    total = sum(math.exp(score - scores[best]) for score in scores)
    gold = names[int(target)] if target.isdecimal() and int(target) < len(names) else target
    return {"choice": names[best], "choice_probability": 1 / total, "gold_choice": gold}
