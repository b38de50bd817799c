"""How likely a model finds replies, for estimators that look inside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from saysel.errors import UsageError
from saysel.interfaces import EstimationContext, Format, Prompt
from saysel.records import Generation, ModelRef, Response

#: A character for private use, which no reply has.
PROBE = "\ue000"
#: How many places of a reply are tried as that of its answer: each takes reading it again.
MOST_PLACES = 64


def token_logprobs(
    context: EstimationContext,
    model: ModelRef,
    prompts: Sequence[Prompt],
    completions: Sequence[str],
) -> list[list[float]]:
    """Log-probability of every token of each completion, in nats.

    Raises:
        UsageError: the sampler gives none.
    """
    found = context.sampler.logprobs(model, prompts, completions)
    if found is None:
        raise missing(context)
    return found


def missing(context: EstimationContext) -> UsageError:
    """That the sampler of the recipe gives no log-probabilities."""
    name = context.sampler.use or type(context.sampler).__name__
    return UsageError(
        f"the sampler '{name}' gives no log-probabilities, which this estimator needs: use one "
        "that does, such as transformers"
    )


def answer_logprobs(
    context: EstimationContext,
    model: ModelRef,
    prompts: Sequence[Prompt],
    replies: Sequence[Generation | Response],
) -> list[list[float] | None]:
    """Log-probability of every token of the answer within each reply, in nats.

    Given the prompt and what stands before the answer. `None`: the reply has no readable answer.
    A tokenizer may join the last character before the answer with its first; such a token
    counts as the answer's.

    Raises:
        UsageError: the sampler gives none.
    """
    places = [answer_place(context.format, reply.text, reply.cut) for reply in replies]
    known = [row for row, place in enumerate(places) if place is not None]
    before, until = [], []
    for row in known:
        start, end = places[row] or (0, 0)
        # The space before a word is a part of its first token.
        before.append(replies[row].text[:start].rstrip())
        until.append(replies[row].text[:end])
    asked = [prompts[row] for row in known]
    scores = token_logprobs(context, model, [*asked, *asked], [*until, *before])
    found: list[list[float] | None] = [None] * len(replies)
    for row, whole, lead in zip(known, scores[: len(known)], scores[len(known) :], strict=True):
        found[row] = whole[min(len(lead), len(whole) - 1) :]
    return found


def answer_place(format: Format, reply: str, cut: bool = False) -> tuple[int, int] | None:
    """Where in a reply its answer starts and ends; `None` without a readable one.

    Also `None` where the answer's words occur so often that their place cannot be found in
    `MOST_PLACES` tries.
    """
    answer = format.parse(reply, cut=cut).answer
    if not answer:
        return None
    likely = None
    for start in _occurrences(reply, answer, format.reasoning(reply)):
        end = start + len(answer)
        # The same words may stand in the reasoning, or in the label before the answer: where
        # other words in their place are another answer, there it is.
        if format.parse(f"{reply[:start]}{PROBE}{reply[end:]}", cut=cut).answer == PROBE:
            return start, end
        # Or the answer is read once it is written, in a format that reads no other words there.
        before, after = format.parse(reply[:start]).answer, format.parse(reply[:end]).answer
        if likely is None and before is None and after == answer:
            likely = start, end
    return likely


def _occurrences(reply: str, answer: str, reasoning: str) -> Iterator[int]:
    """Where an answer's words occur in a reply: after the reasoning first, then from the start."""
    begin = max(0, reply.find(reasoning)) + len(reasoning)
    for first, until in ((begin, len(reply)), (0, begin + len(answer))):
        start = reply.find(answer, first, until)
        for _ in range(MOST_PLACES // 2):
            if start < 0:
                break
            yield start
            start = reply.find(answer, start + 1, until)
