"""What a server turns out to do when it is asked for several choices at once."""

from __future__ import annotations

from dataclasses import dataclass

#: After so many single choices in a row where several were asked for, one is asked for at a time.
SINGLES_IN_A_ROW = 3


@dataclass
class ServerTraits:
    """What was learned about a server's model, kept for the whole process.

    Attributes:
        accepted: whether it has answered any request.
        several: whether it has returned several choices for one request.
        singles: requests for several in a row that returned one choice.
        one_by_one: whether it has to be asked for one choice at a time.
    """

    accepted: bool = False
    several: bool = False
    singles: int = 0
    one_by_one: bool = False

    @classmethod
    def of(cls, api: str, base_url: str, model: str) -> ServerTraits:
        """What is known about a model at a server so far."""
        return _TRAITS.setdefault((api, base_url, model), cls())

    def learn(self, asked: int, arrived: int, reduced: bool) -> None:
        """Note an answer of so many choices, after the server had refused more or not."""
        self.accepted = True
        self.several |= arrived > 1
        if asked > 1:
            self.singles = self.singles + 1 if arrived == 1 else 0
        if self.singles == SINGLES_IN_A_ROW or (reduced and not self.several):
            self.one_by_one = True


_TRAITS: dict[tuple[str, str, str], ServerTraits] = {}
