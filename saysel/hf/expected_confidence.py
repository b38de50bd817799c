"""The confidence that a model would state after a given beginning of its reply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from saysel.hf.chat import encode, encode_replies
from saysel.hf.confidence_tokens import ConfidenceTokens
from saysel.hf.generation import end_tokens
from saysel.hf.loading import resident
from saysel.hf.logprobs import next_token_logprobs
from saysel.interfaces import Format, Prompt
from saysel.records import ModelRef

#: Replies in one forward pass.
REPLIES_PER_PASS = 64


def read_confidence(
    model: ModelRef, format: Format, prompts: Sequence[Prompt], replies: Sequence[str]
) -> list[float]:
    """The expected confidence after each reply, in [0, 1]: the mean of its distribution.

    Nothing is sampled, so small differences show. See `confidence_distributions`.
    """
    distributions = confidence_distributions(model, format, prompts, replies)
    return [expected_confidence(distribution) for distribution in distributions]


def expected_confidence(distribution: Mapping[float, float]) -> float:
    """The sum over all confidences of value times probability, in [0, 1]."""
    mean = sum(value * probability for value, probability in distribution.items())
    return min(1.0, max(0.0, mean))


def confidence_distributions(
    model: ModelRef, format: Format, prompts: Sequence[Prompt], replies: Sequence[str]
) -> list[dict[float, float]]:
    """The probability of every confidence that the format can state, after each reply.

    Given that one of them is stated, at temperature 1.

    Args:
        model: loaded in this process.
        format: defines the confidences.
        prompts: the chats that the replies answer.
        replies: each up to and including the confidence marker.

    Raises:
        StageError: the tokenizer merges the marker with the confidence that follows it.
    """
    lm, tokenizer = resident(model)
    tree = ConfidenceTokens(format, tokenizer, end_tokens(lm, tokenizer))
    texts = [
        prompt + reply
        for prompt, reply in zip(
            encode(tokenizer, prompts, replies), encode_replies(tokenizer, replies), strict=True
        )
    ]
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    distributions: list[dict[float, float]] = [{} for _ in texts]
    for start in range(0, len(order), REPLIES_PER_PASS):
        rows = order[start : start + REPLIES_PER_PASS]
        branch_logprobs = [
            next_token_logprobs(lm, tokenizer, [[*texts[row], *branch] for row in rows])
            for branch in tree.branches
        ]
        probabilities = tree.logprobs(branch_logprobs).double().softmax(-1).tolist()  # [B, C]
        for row, row_probabilities in zip(rows, probabilities, strict=True):
            sums: Counter[float] = Counter()  # formats may state a confidence in several ways
            for value, probability in zip(tree.values, row_probabilities, strict=True):
                sums[value] += probability
            distributions[row] = dict(sums)
    return distributions
