"""Prompts in, responses out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import Field, PrivateAttr

from saysel.interfaces.component import Component
from saysel.records import (
    Generation,
    ModelRef,
    Prompt,
)


class Sampler(Component):
    """Samples n responses to each prompt.

    ```python
    import saysel
    from pydantic import Field
    from saysel.interfaces import Sampler
    from saysel.records import Generation


    class ConstantSampler(Sampler):
        '''Returns the same response to every prompt.'''

        text: str = Field("Answer: yes Confidence: 5", description="the response")

        def sample(self, model, prompts, n, seed):
            for _ in prompts:
                yield [Generation(self.text, tokens=len(self.text.split()))] * n


    @saysel.hookimpl
    def saysel_samplers():
        return {"constant": "sayselfile:ConstantSampler"}
    ```
    """

    kind = "sampler"

    #: Whether it asks a server, which has only its models.
    remote: ClassVar[bool] = False
    #: Whether it records every request in the run's ledger (`saysel.costs.ledger`), under
    #: `served_model` or the model's path, and sends none that `max_cost` does not allow. Under
    #: `max_cost`, a remote sampler has to be metered and to have a `reply_limit`.
    metered: ClassVar[bool] = False

    n: int = Field(20, ge=1, description="responses per question in the sample stage")
    temperature: float = Field(1.0, ge=0, description="0 decodes greedily")

    #: Where `tolerate_refusals` puts reasons; `None`: a refusal is an error.
    _refusals: list[str] | None = PrivateAttr(None)

    @abstractmethod
    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        """n generations for each prompt, in the prompts' order, as they finish."""

    def tolerate_refusals(self, refusals: list[str]) -> Sampler:
        """A copy of this sampler that does not fail when the model refuses a prompt.

        A refused prompt gets empty generations, and the reason is appended to `refusals`. Only
        samplers whose model may refuse a prompt need to override this, and keep the list in
        `_refusals`.
        """
        return self

    def logprobs(
        self, model: ModelRef, prompts: Sequence[Prompt], completions: Sequence[str]
    ) -> list[list[float]] | None:
        """Log-probability of every token of one given completion per prompt, in nats.

        Computed at temperature 1, without the token that would end the reply. `None` if the
        sampler cannot compute log-probabilities.
        """
        return None

    def gives_logprobs(self) -> bool:
        """Whether `logprobs` returns log-probabilities; override it together with `logprobs`."""
        return False

    def gives_choices(self) -> bool:
        """Whether its generations have `choices`: the most likely tokens at each place."""
        return False

    def reply_limit(self) -> int | None:
        """Maximum tokens of a reply; `None` if unknown, which estimates count as no tokens."""
        return None

    def choices_per_request(self) -> int:
        """Maximum replies that one request to the server returns, for cost estimates."""
        return 1

    def served_model(self) -> str | None:
        """Name of the only model it asks, whatever the recipe's model is; `None`: the recipe's."""
        return None
