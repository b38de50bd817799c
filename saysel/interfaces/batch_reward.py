"""A batch of judged replies in, a reward for each part of each reply out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

from saysel.interfaces.reward import RewardFn
from saysel.records import Question


@dataclass(frozen=True)
class JudgedReply:
    """A sampled reply whose answer was judged.

    Attributes:
        question: replies to the same question form a group.
        text: the whole reply.
        answer, rationale: `None` if there is none or it could not be parsed.
        confidence: in [0, 1]; `None` if the confidence or the answer could not be parsed.
        correct: correctness of the answer, in [0, 1].
        tokens: number of tokens of the reply.
        samples: the answers of fresh replies of the same model to the question, if the reward
            asks for some (`fresh_samples`); `None` for one without a readable answer.
        declined: whether the reply declines to answer, see `Parsed`.
    """

    question: Question
    text: str
    answer: str | None
    rationale: str | None
    confidence: float | None
    correct: float
    tokens: int = 0
    samples: tuple[str | None, ...] = ()
    declined: bool = False


class SegmentRewards(NamedTuple):
    """The reward of each part of a reply; 0 for a part that should learn nothing.

    Attributes:
        answer: of everything before the rationale, or before the confidence if there is none.
        rationale: of the rationale, up to and including the confidence marker.
        confidence: of the rest. In an unreadable reply, this is the reward of all its tokens.
    """

    answer: float = 0.0
    rationale: float = 0.0
    confidence: float = 0.0


class BatchReward(RewardFn):
    """Rewards the parts of each reply, knowing all replies of the batch.

    ```python
    import saysel
    from saysel.interfaces import BatchReward, SegmentRewards


    class ShortReward(BatchReward):
        '''Correct answers, short rationales, calibrated confidences.'''

        def rewards(self, replies):
            return [
                SegmentRewards(
                    answer=reply.correct,
                    rationale=-len((reply.rationale or "").split()) / 100,
                    confidence=-1.0
                    if reply.confidence is None
                    else 1 - (reply.correct - reply.confidence) ** 2,
                )
                for reply in replies
            ]


    @saysel.hookimpl
    def saysel_rewards():
        return {"short": "sayselfile:ShortReward"}
    ```

    Each part learns from its own reward only: the answer is not rewarded for the confidence that
    follows. `ppo` trains all parts with `mask: response`, and the confidence alone with
    `mask: confidence`. `grpo` gives the whole reply the sum with `mask: response`.
    """

    #: False: it does not depend on the stated confidence, so `mask: confidence` is refused.
    rewards_confidence: ClassVar[bool] = True

    @abstractmethod
    def rewards(self, replies: Sequence[JudgedReply]) -> list[SegmentRewards]:
        """The rewards of each reply, all of them finite.

        Args:
            replies: all judged replies of a step. A reply without a confidence should get a
                negative `confidence`, because `ppo` uses it without a baseline.
        """

    def confidence_rewards(
        self, replies: Sequence[JudgedReply], choices: Sequence[float | None]
    ) -> list[list[float]]:
        """For each reply, the reward of every confidence in place of the stated one.

        All other replies stay as they are. Override it if there is a faster way.

        Args:
            choices: the confidences, and `None` for an unreadable one.
        """
        batch = list(replies)
        changed = []
        for row, reply in enumerate(replies):
            of_choices = []
            for choice in choices:
                batch[row] = replace(reply, confidence=choice)
                of_choices.append(self.rewards(batch)[row].confidence)
            batch[row] = reply
            changed.append(of_choices)
        return changed

    def fresh_samples(self) -> int:
        """The number of fresh replies to each question whose answers it wants to see."""
        return 0

    def reward(self, correct: Sequence[float], confidence: Sequence[float | None]) -> list[float]:
        """The sum of the rewards of replies with only a correctness and a confidence."""
        question = Question("", "", ("",))
        replies = [
            JudgedReply(question, "", None, None, c, y)
            for y, c in zip(correct, confidence, strict=True)
        ]
        return [sum(rewards) for rewards in self.rewards(replies)]
