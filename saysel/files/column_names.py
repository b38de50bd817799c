"""The usual names of the columns of predictions, by role."""

from __future__ import annotations

#: The usual names for each role, compared without case, spaces and hyphens.
NAMES: dict[str, tuple[str, ...]] = {
    "id": ("question_id", "id", "qid", "doc_id", "example_id", "sample_id"),
    "confidence": ("confidence", "conf", "probability", "prob", "stated_confidence"),
    "correct": ("correct", "is_correct", "correctness"),
    "answer": ("answer", "prediction", "predicted_answer", "model_answer", "pred"),
    "gold": (
        *("gold", "answers", "gold_answer", "gold_answers", "accepted_answers", "reference"),
        *("references", "reference_answer", "ground_truth", "target", "targets", "expected"),
        *("correct_answer", "correct_answers"),
    ),
    "output": ("response", "output", "completion", "generation", "model_output", "raw_output"),
    "question": ("question", "prompt", "input"),
    "rationale": ("rationale", "self_reflection"),
    "tokens": ("tokens", "generated_tokens"),
    "finish_reason": ("finish_reason", "stop_reason"),
    "declined": ("declined", "abstained", "not_attempted"),
    "cluster": (),  # never recognised: it may be any column, even the one of the ids
}
#: The roles that a format reads from whole replies, and so from no column.
IN_REPLIES = ("answer", "confidence", "rationale", "declined")
#: The names if a format reads whole replies.
NAMES_BESIDE_REPLIES: dict[str, tuple[str, ...]] = {
    **{role: names for role, names in NAMES.items() if role not in IN_REPLIES},
    "gold": (*NAMES["gold"], "answer"),
    "output": (*NAMES["output"], "prediction", "model_answer", "text"),
}


def normalised(name: str) -> str:
    """A name as names are compared: in lower case, with underscores."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")
