"""What the counts of replies mean, and what to do about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from saysel.records import ReplyCounts
from saysel.replies.counts import ReplyTally

#: Largest share of the replies that may be unreadable, cut or empty without a remark.
MAX_UNREADABLE = 0.05
#: The same for replies sampled in training by reward, which penalises unreadable ones.
MAX_UNREADABLE_IN_TRAINING = 0.5
#: So few unreadable replies are no problem, whatever their share.
FEW = 2
#: From this share of questions on, samples that all have the same text are a problem.
MAX_SAME_TEXT = 0.5

#: What to do about replies that are not written in the format, by who writes them.
FORMAT_ADVICE = {
    "base": "the model does not reply in the format: show it worked examples (elicit.shots=4), or "
    "take replies without a marker as answers (elicit.unmarked=answer)",
    "trained": "the model does not reply in the format: train longer on it (sft), or lower the "
    "learning_rate of its last phase",
    "training": "the model does not reply in the format: fine-tune it longer before this phase "
    "(sft), or lower learning_rate",
    "file": "check that --format is the format of these replies",
}
TOKENS_ADVICE = "increase max_tokens"
EMPTY_ADVICE = (
    "check the model's chat template and end token; a model that only wrote its thoughts needs a "
    "larger max_tokens"
)
SAME_TEXT_ADVICE = "increase the temperature, and check that the server samples and does not cache"


class Problem(NamedTuple):
    """A problem that affects a stage's results.

    Attributes:
        name: of the count, see `saysel.replies.counts`.
        text: how many replies are concerned, and what to do.
        examples: up to two of the replies, shortened; not safe to print.
    """

    name: str
    text: str
    examples: tuple[str, ...]


def problems(tally: ReplyTally) -> list[Problem]:
    """The problems of a stage's replies, the main one first; usually none."""
    counts = tally.counts
    checks: dict[str, Callable[[ReplyTally], str]] = {
        "empty": _empty,
        "no_answer": _no_answer,
        "no_confidence": _no_confidence,
        "cut": _cut,
        "same_text": _same_text,
    }
    if not counts.replies:
        return []
    return [
        Problem(name, text, tuple(tally.examples.get(name, ())))
        for name, check in checks.items()
        if (text := check(tally))
    ]


def _is_much(number: int, tally: ReplyTally) -> bool:
    in_training = tally.written_by == "training"
    limit = MAX_UNREADABLE_IN_TRAINING if in_training else MAX_UNREADABLE
    return number > max(FEW, limit * tally.counts.replies)


def _no_answer(tally: ReplyTally) -> str:
    counts = tally.counts
    if not _is_much(counts.no_answer, tally):
        return ""
    # Replies that ended by themselves show whether the limit is the reason.
    ended, ended_unread = counts.replies - counts.cut, counts.no_answer - counts.cut
    if 2 * counts.cut > counts.no_answer and 2 * ended_unread <= ended:
        advice = f"most of them were cut: {TOKENS_ADVICE}"
    elif 2 * counts.empty > counts.no_answer:
        advice = "most of them are empty"
    else:
        advice = FORMAT_ADVICE[tally.written_by]
    return f"{_of(counts.no_answer, counts)} have no readable answer: {advice}"


def _no_confidence(tally: ReplyTally) -> str:
    """Beyond the replies that have no answer either."""
    counts = tally.counts
    answered = (counts.no_confidence or 0) - counts.no_answer
    if not _is_much(answered, tally):
        return ""
    advice = TOKENS_ADVICE if 2 * counts.cut > answered else FORMAT_ADVICE[tally.written_by]
    return f"{_of(answered, counts)} have an answer but no readable confidence: {advice}"


def _cut(tally: ReplyTally) -> str:
    counts = tally.counts
    if not _is_much(counts.cut, tally):
        return ""
    return f"{_of(counts.cut, counts)} reached the token limit: {TOKENS_ADVICE}"


def _empty(tally: ReplyTally) -> str:
    counts = tally.counts
    if not _is_much(counts.empty, tally):
        return ""
    return f"{_of(counts.empty, counts)} are empty: {EMPTY_ADVICE}"


def _same_text(tally: ReplyTally) -> str:
    counts = tally.counts
    if not counts.sampled or counts.same_text < MAX_SAME_TEXT * counts.sampled:
        return ""
    return (
        f"for {counts.same_text:,} of {counts.sampled:,} questions, all samples have the same "
        f"text: {SAME_TEXT_ADVICE}"
    )


def _of(number: int, counts: ReplyCounts) -> str:
    return f"{number:,} of {counts.replies:,} replies"


def shares(counts: ReplyCounts) -> str:
    """`97.0% without an answer, 1.2% cut`; `all replies readable`."""
    parts = [
        (counts.no_answer, counts.replies, "without an answer"),
        (counts.no_confidence or 0, counts.replies, "without a confidence"),
        (counts.declined, counts.replies, "declined"),
        (counts.cut, counts.replies, "cut"),
        (counts.empty, counts.replies, "empty"),
        (counts.same_text, counts.sampled, "of the questions with one text in all samples"),
    ]
    shown = [f"{number / total:.1%} {what}" for number, total, what in parts if number]
    return ", ".join(shown) or "all replies readable"
