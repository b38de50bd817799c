"""What a reward returns, checked before anything is trained on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

from saysel.errors import StageError
from saysel.interfaces import BatchReward, JudgedReply, RewardFn, SegmentRewards

#: Maximum number of characters of a reply in a message.
MAX_EXCERPT_CHARACTERS = 200


def reward_replies(
    trainer: str,
    reward: RewardFn,
    correct: Sequence[float],
    confidences: Sequence[float | None],
    texts: Sequence[str],
) -> list[float]:
    """The rewards of replies, checked to be one finite number for each.

    Args:
        trainer: its name, for messages.
        correct, confidences: of each reply.
        texts: the replies, for messages.

    Raises:
        StageError: the reward returned something else.
    """
    name = f"{trainer}: the reward '{reward.use or type(reward).__name__}'"
    returned: Any = reward.reward(correct, confidences)
    values = returned.tolist() if hasattr(returned, "tolist") else returned  # arrays, tensors
    if not isinstance(values, list | tuple):
        raise StageError(
            f"{name} returned {type(returned).__name__} instead of a list of {len(texts)} "
            "numbers: correct its method reward"
        )
    if len(values) != len(texts):
        raise StageError(
            f"{name} returned {len(values)} rewards for {len(texts)} replies: correct its method "
            "reward"
        )
    for value, correctness, confidence, text in zip(
        values, correct, confidences, texts, strict=True
    ):
        if not isinstance(value, Real) or not math.isfinite(value):
            raise StageError(
                f"{name} returned {value!r} instead of a finite number, for correctness "
                f"{correctness:g} and confidence {confidence} (the reply: {excerpt(text)}): "
                "correct its method reward"
            )
    return [float(value) for value in values]


def segment_rewards(
    trainer: str, reward: BatchReward, replies: Sequence[JudgedReply]
) -> list[SegmentRewards]:
    """The rewards of the parts of replies, checked to be finite numbers.

    Args:
        trainer: its name, for messages.

    Raises:
        StageError: the reward returned something else.
    """
    name = f"{trainer}: the reward '{reward.use or type(reward).__name__}'"
    returned: Any = reward.rewards(replies)
    if not isinstance(returned, list | tuple) or len(returned) != len(replies):
        size = f" of {len(returned)}" if isinstance(returned, list | tuple) else ""
        raise StageError(
            f"{name} returned {type(returned).__name__}{size} instead of a list of {len(replies)} "
            "SegmentRewards: correct its method rewards"
        )
    for rewards, reply in zip(returned, replies, strict=True):
        if not isinstance(rewards, SegmentRewards) or not all(map(_is_finite, rewards)):
            raise StageError(
                f"{name} returned {rewards!r} instead of SegmentRewards of finite numbers, for the "
                f"reply {excerpt(reply.text)}: correct its method rewards"
            )
    return [SegmentRewards(*map(float, rewards)) for rewards in returned]


def all_confidence_rewards(
    trainer: str,
    reward: RewardFn,
    replies: Sequence[JudgedReply],
    choices: Sequence[float | None],
) -> list[list[float]]:
    """For each reply, the reward of every confidence in place of the stated one.

    Args:
        trainer: its name, for messages.
        choices: the confidences, and `None` for an unreadable one.

    Raises:
        StageError: the reward returned something other than finite numbers.
    """
    n = len(choices)
    if not isinstance(reward, BatchReward):
        return [
            reward_replies(trainer, reward, [reply.correct] * n, choices, [reply.text] * n)
            for reply in replies
        ]
    returned = reward.confidence_rewards(replies, choices)
    if [len(row) for row in returned] != [n] * len(replies) or not all(
        _is_finite(value) for row in returned for value in row
    ):
        raise StageError(
            f"{trainer}: the reward '{reward.use or type(reward).__name__}' did not return {n} "
            f"finite numbers for each of {len(replies)} replies: correct its method "
            "confidence_rewards"
        )
    return returned


def _is_finite(value: Any) -> bool:
    return isinstance(value, Real) and math.isfinite(value)


def excerpt(text: str) -> str:
    """The beginning of a reply on one line, quoted, with control characters escaped."""
    short = text if len(text) <= MAX_EXCERPT_CHARACTERS else text[:MAX_EXCERPT_CHARACTERS] + "…"
    return repr(short)
