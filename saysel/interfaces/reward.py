"""Correctness and confidence in, a reward out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from saysel.interfaces.component import Component


class RewardFn(Component):
    """Rewards a response for its correctness and its stated confidence.

    ```python
    import saysel
    from pydantic import Field
    from saysel.interfaces import RewardFn


    class SquaredReward(RewardFn):
        '''1 minus the squared error of the confidence.'''

        unreadable: float = Field(-1.0, lt=0, description="reward without a confidence")

        def reward(self, correct, confidence):
            return [
                self.unreadable if c is None else 1 - (y - c) ** 2
                for y, c in zip(correct, confidence, strict=True)
            ]


    @saysel.hookimpl
    def saysel_rewards():
        return {"squared": "sayselfile:SquaredReward"}
    ```

    A reward that needs more, such as the text of the response or the other responses of the batch,
    is a `BatchReward`.
    """

    kind = "reward"

    @abstractmethod
    def reward(self, correct: Sequence[float], confidence: Sequence[float | None]) -> list[float]:
        """One finite number per response.

        Args:
            correct: of each response, in [0, 1].
            confidence: in [0, 1]; `None` where it could not be parsed. Such a response should get
                a negative reward, because `ppo` uses rewards without a baseline.
        """
