"""Why questions give no training example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from saysel.records import Cluster

#: The reasons in the order of the pipeline, in words that follow "questions have".
REASONS = {
    "no_answer": "no readable answer",
    "unjudged": "answers that the judge could not judge",
    "rejected": "no answer that the target accepts",
    "no_rationale": "no rationale",
}
#: What to do if that is why there are few examples.
ADVICE = {
    "no_answer": "the model does not reply in the format: show it worked examples (elicit.shots), "
    "take replies without a marker as answers (elicit.unmarked=answer), or increase "
    "sample.max_tokens if replies are cut",
    "unjudged": "check the judge, and run again",
    "rejected": "the model knows too few of the answers: sample more responses (sample.n), use "
    "easier questions or a stronger model, and check that the judge accepts correct answers",
    "no_rationale": "check the rationale writer: its model, its prompt and its token limit",
}
#: Largest share of the questions that the judge or the rationale writer may lose without a remark.
MAX_LOST = 0.05


def reason(clusters: Sequence[Cluster], correct: Sequence[float | None], accepted: bool) -> str:
    """Why a question gives no example.

    Args:
        clusters: of its responses with an answer.
        correct: correctness of each cluster; `None` where the judge failed.
        accepted: whether the target chose a response; then a rationale is missing.
    """
    if accepted:
        return "no_rationale"
    if not clusters:
        return "no_answer"
    return "unjudged" if None in correct else "rejected"


def summary(record: Mapping[str, Any]) -> str:
    """`3 examples; 110 questions have no readable answer, 7 no answer that the target accepts`.

    Args:
        record: of the target stage, as in the manifest.
    """
    counts = record["without_example"]
    reasons = [(counts[name], words) for name, words in REASONS.items() if counts[name]]
    have = ", ".join(
        f"{count:,} {'' if index else 'questions have '}{words}"
        for index, (count, words) in enumerate(reasons)
    )
    return f"{record['examples']:,} examples" + (f"; {have}" if have else "")


def main_reason(record: Mapping[str, Any]) -> str:
    """The most frequent reason; of equal ones, the first in the pipeline."""
    counts = record["without_example"]
    return max(REASONS, key=lambda name: int(counts[name]))


def problems(record: Mapping[str, Any]) -> list[str]:
    """Problems of the target stage, with advice.

    It is normal that the target rejects some questions, and replies without an answer are a problem
    of the sample stage; both are listed only if no example is left.
    """
    counts, questions = record["without_example"], record["questions"]
    if not record["examples"] and questions:
        return [f"{summary(record)}: {ADVICE[main_reason(record)]}"]
    return [
        f"{counts[name]:,} of {questions:,} questions have {REASONS[name]}, and give no example: "
        f"{ADVICE[name]}"
        for name in ("unjudged", "no_rationale")
        if counts[name] > MAX_LOST * questions
    ]


def no_examples(trainer: str, record: Mapping[str, Any]) -> str:
    """The message that a trainer has nothing to train on.

    Args:
        record: of the target stage; that of an earlier version does not know the reasons.
    """
    begin = f"{trainer}: there are no examples to train on"
    if not any(record.get("without_example", {}).values()):
        return f"{begin}: look at the records of the stages sample and target"
    reason = main_reason(record)
    count, questions = record["without_example"][reason], record["questions"]
    return f"{begin}: {count:,} of {questions:,} questions have {REASONS[reason]}: {ADVICE[reason]}"
