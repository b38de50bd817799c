"""Log-probabilities of replies and of the answers in them, for white-box estimators."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from saysel.errors import UsageError
from saysel.interfaces import EstimationContext, Format, Prompt
from saysel.records import Generation, ModelRef, Response
from saysel.replies.visible import visible_text

#: A private-use character, which replies do not contain.
PROBE = "\ue000"
#: Maximum number of positions tried when locating an answer; each takes parsing the reply again.
MAX_POSITIONS = 64


def token_logprobs(
    context: EstimationContext,
    model: ModelRef,
    prompts: Sequence[Prompt],
    completions: Sequence[str],
) -> list[list[float]]:
    """Log-probability of every token of each completion, in nats.

    Raises:
        UsageError: the sampler returns no log-probabilities.
    """
    logprobs = context.sampler.logprobs(model, prompts, completions)
    if logprobs is None:
        raise no_logprobs(context)
    return logprobs


def no_logprobs(context: EstimationContext) -> UsageError:
    """The error that the recipe's sampler returns no log-probabilities."""
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

    They are conditioned on the prompt and on the text before the answer. `None`: the reply has no
    readable answer. If the tokenizer merges the last character before the answer with its first,
    that token counts as part of the answer.

    Raises:
        UsageError: the sampler returns no log-probabilities.
    """
    spans = [answer_span(context.format, reply.text, reply.cut) for reply in replies]
    known = [row for row, span in enumerate(spans) if span is not None]
    before, until = [], []
    for row in known:
        start, end = spans[row] or (0, 0)
        # The space before a word is part of its first token.
        before.append(replies[row].text[:start].rstrip())
        until.append(replies[row].text[:end])
    known_prompts = [prompts[row] for row in known]
    logprobs = token_logprobs(context, model, [*known_prompts, *known_prompts], [*until, *before])
    answers: list[list[float] | None] = [None] * len(replies)
    for row, with_answer, beginning in zip(
        known, logprobs[: len(known)], logprobs[len(known) :], strict=True
    ):
        answers[row] = with_answer[min(len(beginning), len(with_answer) - 1) :]
    return answers


def answer_span(format: Format, reply: str, cut: bool = False) -> tuple[int, int] | None:
    """Start and end of the answer in a reply; `None` without a readable answer.

    Also `None` if the answer's words occur so often that it is not found within `MAX_POSITIONS`
    attempts.
    """
    answer = format.parse(reply, cut=cut).answer
    if not answer:
        return None
    likely = None
    visible = visible_text(reply, cut).text  # at the same positions
    searched = visible if answer in visible else reply
    for start in _occurrences(searched, answer, format.reasoning(reply)):
        end = start + len(answer)
        # The same words may occur in the reasoning, or in the label before the answer. This is the
        # position of the answer if other words there would be parsed as another answer,
        if format.parse(f"{reply[:start]}{PROBE}{reply[end:]}", cut=cut).answer == PROBE:
            return start, end
        # or, for formats that restrict the words, if the answer is parsed once these are written.
        before, after = format.parse(reply[:start]).answer, format.parse(reply[:end]).answer
        if likely is None and before is None and after == answer:
            likely = start, end
    return likely


def _occurrences(reply: str, answer: str, reasoning: str) -> Iterator[int]:
    """Positions of an answer's words in a reply: first after the reasoning, then from the start."""
    begin = max(0, reply.find(reasoning)) + len(reasoning)
    for first, until in ((begin, len(reply)), (0, begin + len(answer))):
        start = reply.find(answer, first, until)
        for _ in range(MAX_POSITIONS // 2):
            if start < 0:
                break
            yield start
            start = reply.find(answer, start + 1, until)
