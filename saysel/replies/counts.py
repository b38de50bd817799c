"""Counts of the replies that could not be read, with a few of them to look at.

Every stage that reads replies counts them in the same way:

- `no_answer`: no readable answer, and the reply does not decline
- `no_confidence`: no readable confidence, where a reply has to state one and does not decline
- `cut`: the reply reached the token limit
- `empty`: no text at all
- `same_text`: all replies to a question have the same text, where there are several
- `declined`: the reply declines to answer, which the format can read
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, NamedTuple

from saysel.records import CUT, Prediction, ReplyCounts, Response

#: Who wrote replies: the base model, a trained model, one in training, or a file that does not say.
Writer = Literal["base", "trained", "training", "file"]
#: How many replies with the same problem are kept, and how many characters of each.
MAX_EXAMPLES, MAX_EXAMPLE_CHARACTERS = 2, 200


class ReadReply(NamedTuple):
    """A reply and what could be read from it.

    Attributes:
        text: the whole reply.
        answer, confidence: `None` if it could not be read.
        cut: whether it reached the token limit.
        declined: whether it declines to answer.
    """

    text: str
    answer: str | None
    confidence: float | None = None
    cut: bool = False
    declined: bool = False

    @property
    def no_answer(self) -> bool:
        """Whether it should have an answer and none could be read."""
        return self.answer is None and not self.declined

    @property
    def no_confidence(self) -> bool:
        """Whether it should state a confidence and none could be read."""
        return self.confidence is None and not self.declined


def count_replies(replies: Sequence[ReadReply], states_confidence: bool) -> ReplyCounts:
    """The counts of all replies to one question.

    Args:
        states_confidence: whether a reply has to state its confidence.
    """
    several = len(replies) > 1
    unstated = sum(reply.no_confidence for reply in replies)
    return ReplyCounts(
        replies=len(replies),
        no_answer=sum(reply.no_answer for reply in replies),
        no_confidence=unstated if states_confidence else None,
        cut=sum(reply.cut for reply in replies),
        empty=sum(not reply.text.strip() for reply in replies),
        sampled=int(several),
        same_text=int(several and len({reply.text for reply in replies}) == 1),
        declined=sum(reply.declined for reply in replies),
    )


def read_reply(reply: Response | Prediction) -> ReadReply:
    """A stored reply; that of a prediction is the one whose answer it has."""
    confidence = reply.confidence if isinstance(reply, Prediction) else None
    return ReadReply(
        reply.response if isinstance(reply, Prediction) else reply.text,
        reply.answer,
        confidence,
        reply.finish_reason == CUT,
        reply.declined,
    )


def count_responses(responses: Sequence[Response]) -> ReplyCounts:
    """The counts of the samples of one question, which need not state a confidence."""
    return count_replies([read_reply(response) for response in responses], False)


@dataclass
class ReplyTally:
    """The counts of a stage's replies.

    Attributes:
        written_by: see `Writer`.
        counts: of all replies so far.
        examples: by the name of a count, a few replies that it counts, shortened.
    """

    written_by: Writer
    counts: ReplyCounts = field(default_factory=ReplyCounts)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, counts: ReplyCounts, replies: Iterable[ReadReply]) -> None:
        """Add the counts of a question.

        Args:
            replies: those replies that can serve as examples.
        """
        self.counts += counts
        for reply in replies:
            has_problem = {
                "no_answer": reply.no_answer,
                "no_confidence": bool(counts.no_confidence) and reply.no_confidence,
                "cut": reply.cut,
                "same_text": bool(counts.same_text),
            }
            for name in (name for name, applies in has_problem.items() if applies):
                self._keep(name, reply.text.strip())

    def _keep(self, name: str, text: str) -> None:
        kept = self.examples.get(name, [])
        short = text[:MAX_EXAMPLE_CHARACTERS] + "…" * (len(text) > MAX_EXAMPLE_CHARACTERS)
        if short and short not in kept and len(kept) < MAX_EXAMPLES:
            self.examples[name] = [*kept, short]

    def record(self) -> dict[str, Any]:
        """The tally as plain values, for the manifest."""
        return {"written_by": self.written_by, **vars(self.counts), "examples": self.examples}


def tally_from(record: Mapping[str, Any]) -> ReplyTally:
    """The tally that `ReplyTally.record` described; earlier versions did not count everything."""
    counts = {each.name: record[each.name] for each in fields(ReplyCounts) if each.name in record}
    return ReplyTally(record["written_by"], ReplyCounts(**counts), dict(record["examples"]))


def tally_predictions(
    predictions: Iterable[Prediction], written_by: Writer, states_confidence: bool
) -> ReplyTally:
    """The tally of an estimator's predictions.

    Args:
        states_confidence: whether a reply has to state its confidence.
    """
    tally = ReplyTally(written_by)
    for prediction in predictions:
        reply = read_reply(prediction)
        tally.add(prediction.reply_counts or count_replies([reply], states_confidence), [reply])
    return tally


def written_by(model: str) -> Writer:
    """Who wrote the replies of a model of a recipe: `base`, or the name of a training phase."""
    return "base" if model == "base" else "trained"
