"""The parts of replies, each of which learns from a separate reward."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from saysel import hf
from saysel.interfaces import SegmentRewards


class Segment(NamedTuple):
    """Consecutive tokens of a reply that learn from the same reward.

    Attributes:
        end: number of tokens of the reply up to the end of the segment.
        reward: of the segment, minus its baseline.
    """

    end: int
    reward: float


def reply_segments(
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    replies: Sequence[hf.Reply],
    rationales: Sequence[str | None],
    rewards: Sequence[SegmentRewards],
    groups: Sequence[str | None],
) -> list[list[Segment]]:
    """The segments of each reply, in order; those without tokens are left out.

    Args:
        prompts: token ids.
        rationales: the parsed rationale of each reply.
        groups: see `subtract_baseline`, which is applied to each part of the replies.
    """
    columns = [subtract_baseline(column, groups) for column in zip(*rewards, strict=True)]
    segments = []
    for prompt, reply, rationale, parts in zip(
        prompts, replies, rationales, zip(*columns, strict=True), strict=True
    ):
        start = rationale_start(tokenizer, prompt, reply, rationale)
        ends = (start, reply.marker_end, len(reply.tokens))
        found: list[Segment] = []
        for end, reward in zip(ends, parts, strict=True):
            if end > (found[-1].end if found else 0):
                found.append(Segment(end, reward))
        segments.append(found)
    return segments


def rationale_start(
    tokenizer: Any, prompt: Sequence[int], reply: hf.Reply, rationale: str | None
) -> int:
    """The number of tokens before the first one of the rationale.

    That of the tokens up to and including the confidence marker, if there is no rationale before.
    """

    def text(size: int) -> str:
        return hf.decode_replies(tokenizer, [prompt], [reply.tokens[:size]])[0]

    before = text(reply.marker_end).rfind(rationale) if rationale else -1
    if before < 0:
        return reply.marker_end
    # The text grows with the tokens: find the first token after which it reaches the rationale.
    low, high = 0, reply.marker_end
    while low < high:
        middle = (low + high) // 2
        if len(text(middle + 1)) > before:
            high = middle
        else:
            low = middle + 1
    return low


def subtract_baseline(rewards: Sequence[float], groups: Sequence[str | None]) -> list[float]:
    """Each reward minus the mean of the others in its group.

    This is the leave-one-out baseline of RLOO (arXiv 2402.14740). Replies to one question mostly
    have the same answer, so what remains is the effect of their confidences. The value head
    cannot remove this noise, because it depends on whether the answer is right.

    Args:
        groups: the question of each reply; `None` for unreadable replies, whose rewards do not
            change and are no part of a baseline. A reward alone in its group does not change.
    """
    totals: dict[str | None, float] = defaultdict(float)
    for reward, group in zip(rewards, groups, strict=True):
        totals[group] += reward
    sizes = Counter(groups)
    return [
        reward - (totals[group] - reward) / (sizes[group] - 1)
        if group is not None and sizes[group] > 1
        else reward
        for reward, group in zip(rewards, groups, strict=True)
    ]
