"""How the shards of a stage are run."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator

from saysel.interfaces.component import Component, Item, Result


class Engine(Component):
    """Runs a stage's shards.

    ```python
    from concurrent.futures import ThreadPoolExecutor

    import saysel
    from pydantic import Field
    from saysel.interfaces import Engine, NotFingerprinted


    class ThreadEngine(Engine):
        '''Runs shards in threads.'''

        workers: NotFingerprinted[int] = Field(4, ge=1, description="number of threads")

        def map(self, function, shards):
            with ThreadPoolExecutor(self.workers) as pool:
                yield from pool.map(function, shards)


    @saysel.hookimpl
    def saysel_engines():
        return {"threads": "sayselfile:ThreadEngine"}
    ```
    """

    kind = "engine"

    @abstractmethod
    def map(self, function: Callable[[Item], Result], shards: Iterable[Item]) -> Iterator[Result]:
        """The function's result for every shard, in the order of the shards, as they finish."""

    def release(self) -> None:
        """Free the devices and processes that it keeps for the next stage.

        Called before a model is trained, which needs the devices, and when a run ends for any
        reason. A later `map` may start again what it needs.
        """
