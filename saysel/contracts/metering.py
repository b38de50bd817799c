"""Whether a sampler that claims to be metered records what it spends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saysel.errors import ContractError
from saysel.records import ModelRef

if TYPE_CHECKING:
    from saysel.interfaces import Sampler


def check_recorded(sampler: Sampler, model: ModelRef) -> None:
    """Under `max_cost`, require a ledger entry of a metered sampler that returned a reply.

    Raises:
        ContractError: this process has recorded none for its model in this stage.
    """
    from saysel.costs import ledger, server_calls

    if not (sampler.remote and sampler.metered) or server_calls.are_sent():
        return
    current, name = ledger.current(), sampler.served_model() or model.path
    if current.max_cost is not None and not current.has_record_of(name):
        raise ContractError(
            f"sampler '{sampler.use or type(sampler).__name__}' claims to be metered, but has not "
            f"recorded its requests to '{name}' in the ledger, so max_cost cannot be kept: remove "
            "max_cost, or report this to the sampler's author "
            f"({type(sampler).__module__}.{type(sampler).__qualname__})"
        )
