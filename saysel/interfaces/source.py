"""Questions by split."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar, NamedTuple

from saysel.interfaces.component import Component
from saysel.records import Question


class Ideal(NamedTuple):
    """The answer of an ideal observer, and the probability that it is correct."""

    answer: str
    confidence: float


class Source(Component):
    """Provides questions, by split.

    ```python
    import saysel
    from saysel.errors import NoSplit
    from saysel.interfaces import Source
    from saysel.records import Question


    class SumSource(Source):
        '''Sums of two equal numbers.'''

        def questions(self, split):
            first = {"train": 0, "dev": 200, "heldout": 300}
            if split not in first:
                raise NoSplit(f"sums: there is no split '{split}'")
            numbers = range(first[split], first[split] + 100)
            return [Question(f"sum-{k}", f"{k} + {k}?", (str(2 * k),)) for k in numbers]


    @saysel.hookimpl
    def saysel_sources():
        return {"sums": "sayselfile:SumSource"}
    ```

    Splits are `pretrain` (for models built from scratch), `train` (sampled and labelled), `rl` (for
    reinforcement learning on questions not used in fine-tuning), `dev` and `heldout`. No question
    is in two splits.
    """

    kind = "source"

    #: Whether no two splits contain paraphrases of the same question, by construction. The leak
    #: check then compares exact texts only, since questions made from templates all look similar.
    disjoint: ClassVar[bool] = False

    @abstractmethod
    def questions(self, split: str) -> Iterable[Question]:
        """The questions of a split, in a fixed order, with unique ids.

        Raises:
            NoSplit: there is no such split.
            DataError: the questions cannot be read, or a row is invalid.
        """

    def size(self, split: str) -> int | None:
        """The maximum number of questions in a split; `None` if unknown without reading them.

        `saysel check` uses it, so that it does not have to read a source on the network.
        """
        return None

    def ideal(self, question: Question) -> Ideal | None:
        """What an ideal observer would answer; `None` if the source does not know."""
        return None

    def digest(self) -> str:
        """Hash of what the questions depend on beyond the options, such as a file's content.

        It is part of the fingerprint of every stage that reads questions.
        """
        return ""
