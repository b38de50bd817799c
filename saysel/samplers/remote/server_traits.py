"""What a server turned out to do with requests for several samples."""

from __future__ import annotations

from dataclasses import dataclass

#: After this many single samples in a row where several were requested, one is requested at a time.
SINGLES_UNTIL_ONE_BY_ONE = 3


@dataclass
class ServerTraits:
    """What is known about a model at a server, kept for the lifetime of the process.

    Attributes:
        accepted: it has answered a request.
        gave_several: it has returned several samples for one request.
        singles: how many requests for several in a row returned one.
        one_by_one: it has to be asked for one sample at a time.
    """

    accepted: bool = False
    gave_several: bool = False
    singles: int = 0
    one_by_one: bool = False

    @classmethod
    def of(cls, api: str, base_url: str, model: str) -> ServerTraits:
        """What is known about a model at a server so far."""
        return _TRAITS.setdefault((api, base_url, model), cls())

    def learn(self, requested: int, arrived: int, reduced: bool) -> None:
        """Take note of an answer.

        Args:
            requested: number of samples.
            arrived: number of samples.
            reduced: whether the server had failed or refused when more were requested.
        """
        self.accepted = True
        self.gave_several |= arrived > 1
        if requested > 1:
            self.singles = self.singles + 1 if arrived == 1 else 0
        if self.singles == SINGLES_UNTIL_ONE_BY_ONE or (reduced and not self.gave_several):
            self.one_by_one = True


_TRAITS: dict[tuple[str, str, str], ServerTraits] = {}
